"""Former values by the words of a search, and the plans of their queries."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.builders import make_user
from tests.plans import explain, reset_planner
from users.access import CommandActor
from users.audit.former_rows import former_holders, former_values_of
from users.directory.query import FoundValues, find_former_values, limits
from users.models import User
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db
COMMAND = CommandActor("test")


@pytest.fixture
def kim(db) -> User:
    kim = make_user(username="kim", first_name="Kim", last_name="Doe", email="kim@old.example")
    changes = {"last_name": "Smith", "email": "kim_s%@new.example"}
    return edit_profile(kim, by=COMMAND, version=None, **changes)


def find(*words: str, **options) -> list[str]:
    found = find_former_values(words, limit=options.pop("limit", 10), **options)
    return sorted(row.value for row in found.rows)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["old.exam"], ["kim@old.example"]),
        (["doe"], ["Doe"]),
        (["kim", "doe"], ["Doe"]),
        (["kim"], ["kim@old.example"]),
        (["doe", "smith"], ["Doe"]),
        (["doe", "roe"], []),
        (["do"], []),
        (["im", "doe"], ["Doe"]),
        (["___"], []),
        (["o%e"], []),
        (["\\\\\\"], []),
        ([], []),
    ],
)
def test_one_word_is_in_the_former_value_and_others_may_be_in_present_ones(kim, words, values):
    assert find(*words) == values


def test_accounts_can_be_left_out_and_rows_limited(kim):
    kim = edit_profile(kim, by=COMMAND, version=None, last_name="Doerr")
    edit_profile(kim, by=COMMAND, version=None, last_name="Doe")
    assert find("doe") == ["Doe", "Doerr"]
    assert find("doe", limit=1) == ["Doerr"]
    assert find("doe", without=[kim.pk]) == find("kim", "doe", without=[kim.pk]) == []


@pytest.mark.postgresql
def test_a_word_that_too_many_values_have_is_looked_for_in_the_newest(kim, monkeypatch):
    monkeypatch.setattr(limits, "FORMER_WORD_LIMIT", 0)
    found = find_former_values(["example"], limit=10)
    assert found.capped
    assert [row.value for row in found.rows] == ["kim@old.example"]
    monkeypatch.setattr(limits, "SCAN_LIMIT", 0)
    assert find_former_values(["example"], limit=10) == FoundValues((), capped=True)


FILL = """
    INSERT INTO users_formervalue (event_id, field, account_id, key, digest, until)
    SELECT number, 'email', %s + number %% 50, CASE number %% 3 WHEN 0 THEN 'ann' ELSE 'bob' END
        || md5(number::text) || '@' || (ARRAY['mail', 'old', 'web'])[1 + number %% 3] || '.example',
        number, now()
    FROM generate_series(1, 60000) AS number
"""


@pytest.mark.sqlite
def test_on_sqlite_the_newest_values_are_searched(kim, monkeypatch):
    assert not find_former_values(["old.exam"], limit=10).capped
    monkeypatch.setattr(limits, "FORMER_SQLITE_SCAN", 1)
    assert find_former_values(["old.exam"], limit=10) == FoundValues((), capped=True)


@pytest.fixture
def history(db) -> int:
    """Returns the ID of the first of 50 accounts with former values, which have no events."""
    first = make_user().pk
    reset_planner("users_formervalue", "users_user")
    with connection.cursor() as cursor:
        cursor.execute(FILL, [first])
        cursor.execute("ANALYZE users_formervalue")
    return first


def plans_of(call) -> list[str]:
    """Returns the plan of each query that reads former values."""
    with CaptureQueriesContext(connection) as queries:
        call()
    sent = [entry["sql"] for entry in queries if "users_formervalue" in entry["sql"]]
    with connection.cursor() as cursor:
        return [explain(cursor, sql) for sql in sent if "users_formervalue" in sql]


@pytest.mark.postgresql
def test_no_search_reads_the_whole_table(history):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # as in the web process
    calls = {
        "former_by_digest": lambda: former_holders([17, 18], limit=50),
        "former_by_account": lambda: former_values_of(history, limit=50),
        "former_by_trigram": lambda: find_former_values(["nobody-has-this"], limit=50),
        "users_formervalue_pkey": lambda: find_former_values(["example"], limit=50),
    }
    for index, call in calls.items():
        steps = "\n".join(plans_of(call))
        assert index in steps, f"{index}\n{steps}"
        assert not re.search(r"Seq Scan on users_formervalue\b", steps), steps
    assert find_former_values(["example"], limit=1).capped
    pair = "\n".join(plans_of(lambda: find_former_values(["ann4", "nobody"], limit=50)))
    assert not re.search(r"Seq Scan on users_(formervalue|user)\b", pair), pair
