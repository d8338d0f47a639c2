"""What the lines of a pasted list find, on either database."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.builders import make_user
from tests.plans import reset_planner
from users.directory.lists import lookup
from users.directory.lists.lookup import look_up_lines
from users.directory.lists.models import LineKind
from users.models import User

pytestmark = pytest.mark.django_db
UUID_ID = "0189f7ea-ae2c-7a3b-8d2e-1f0c5e6a7b8c"


@pytest.fixture
def people() -> dict[str, User]:
    ann = make_user(
        username="ann",
        email="Ann@Straße.example",
        first_name="Ann Zoë",
        last_name="van den Berg",
        phone="+4915112345678",
        source="hr",
        source_id=UUID_ID,
    )
    return {
        "ann": ann,
        "bob": make_user(username="bob@old.example", email="bob@new.example", phone="0301234567"),
        "cy": make_user(username=str(ann.pk), first_name="Cy", source="crm", source_id="X-1"),
        "jo": make_user(username="jo", first_name="Jo", last_name="Smith", email=""),
        "jo2": make_user(
            username="jo2", first_name="Smith", last_name="Jo", source="hr", source_id="X-1"
        ),
    }


FOUND = {
    "any": {
        "ANN": "ann",
        "Ann <ann@STRASSE.example>": "",
        "Ann <ann@straße.example>": "ann",
        "mailto:ann@xn--strae-oqa.example": "ann",
        "bob@old.example": "bob",
        "bob@new.example": "bob",
        UUID_ID.upper(): "ann",
        "+49 (0)151 123-456 78": "ann",
        "4915112345678": "ann",
        "030 1234567": "bob",
        "Ann Zoë van den Berg": "ann",
        "VAN DEN BERG,  ann zoe": "ann",
        "van den Berg Ann Zoë": "ann",
        "Cy": "cy",
        "jo": "jo",
        "Jo Smith": "jo jo2",
        "{ann}": "ann cy",
        "#{ann}": "ann",
        "999999999999999999999": "",
        "%": "",
        "an_": "",
        "\ufffd'\"\\": "",
        "": "",
    },
    "id": {"{ann}": "ann", "#{ann}": "ann", "jo": ""},
    "username": {"{ann}": "cy", "Jo": "jo", "Jo Smith": ""},
    "email": {"bob@old.example": "", "BOB@new.example": "bob"},
    "phone": {"+49 151 12345678": "ann", "ann": "", "112": ""},
    "name": {"Berg, Ann": "", "Smith Jo": "jo jo2", "Smith, Jo": "jo", "jo2": ""},
    "source_id": {"X-1": "cy jo2", "x-1": "", UUID_ID.upper(): "ann"},
}


@pytest.mark.parametrize("kind", FOUND)
def test_a_line_finds_the_accounts_that_it_may_mean(people, kind, monkeypatch):
    monkeypatch.setattr(lookup, "BATCH_KEYS", 3)
    lines = [line.replace("{ann}", str(people["ann"].pk)) for line in FOUND[kind]]
    names = [text.split() for text in FOUND[kind].values()]
    wanted = [tuple(sorted(people[name].pk for name in each)) for each in names]
    found = look_up_lines(lines, LineKind(kind))
    assert dict(zip(lines, found, strict=True)) == dict(zip(lines, wanted, strict=True))


def test_what_looks_like_a_phone_number_is_a_name_only_if_the_kind_says_so():
    ann = make_user(username="ann", first_name="030", last_name="1234567")
    assert look_up_lines(["030 1234567"], LineKind.ANY) == [()]
    assert look_up_lines(["030 1234567"], LineKind.NAME) == [(ann.pk,)]


def test_the_number_of_queries_does_not_depend_on_the_number_of_lines(people):
    lines = [*FOUND["any"], "Cy"]
    with CaptureQueriesContext(connection) as few:
        look_up_lines(lines, LineKind.ANY)
    others = [f"{line}{number}" for line in lines for number in range(40)]
    with CaptureQueriesContext(connection) as many:
        look_up_lines(others, LineKind.ANY)
    assert 0 < len(many) <= len(few)


@pytest.mark.postgresql
def test_each_key_is_a_probe_of_an_index(people):
    reset_planner("users_user")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for column, condition in lookup.LOOKUP_CONDITIONS.items():
            statement = lookup.LOOKUP_SQL["postgresql"].format(
                type="bigint" if column == "id" else "text",
                table="users_user",
                condition=condition,
                limit=10,
            )
            cursor.execute(f"EXPLAIN {statement}", [["1", "2"]])
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Index Cond" in plan, plan
            assert "Seq Scan" not in plan, plan
