"""The plans of all queries of the list, at 200,000 accounts: index ranges and bounded collections,
never the whole table.
"""

import re
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from tests.directory.query.test_page_finder import FILTERS
from tests.plans import assert_no_sort, explain, reset_planner
from users.directory.filter import Filter
from users.directory.query import LAST_PAGE, find
from users.directory.query.strategies import PageReader
from users.directory.sorts import SORTS
from users.models import User, UserQuerySet

pytestmark = pytest.mark.django_db

SEARCHES = [
    "q=smith",
    "q=gmail",
    "q=nobody-has-this",
    "q=qz",
    "q=jo",
    "q=m%C3%BCller+anna",
    "q=name:smith",
    "q=username:an",
    "q=smith&status=suspended",
    "q=nguyen&verified=no",
]


@pytest.fixture
def city(db):
    reset_planner("users_user")
    # SQLite chooses its plans by rules that ask little of the size, and takes a minute for 200,000.
    call_command(
        "seed", accounts=200_000 if connection.vendor == "postgresql" else 20_000, verbosity=0
    )


def queries(query: str, sort: str) -> list[str]:
    """The SQL of the first, the last and a middle page."""
    filter = Filter.parse(QueryDict(query)).with_sort(sort)
    with CaptureQueriesContext(connection) as captured:
        first = find(filter).page
        find(filter, before=LAST_PAGE)
        if first.next:
            find(filter, after=first.next)
    return [entry["sql"] for entry in captured.captured_queries]


def plan(sql: str) -> str:
    with connection.cursor() as cursor:
        return explain(cursor, sql)


def reads_all(steps: str) -> bool:
    """Whether a plan reads the table of accounts from end to end, in no index's order."""
    if connection.vendor == "postgresql":
        return "Seq Scan on users_user" in steps.replace("Seq Scan on users_user_", "")
    # A subquery that stands in for the table has its name: one bare scan for each is of what the
    # subquery gave.
    scans = re.findall(r"^SCAN users_user$", steps, re.M)
    subqueries = re.findall(
        r"^(?:CO-ROUTINE|MATERIALIZE) (?:users_user|matched|page)$", steps, re.M
    )
    return len(scans) > len(subqueries)


@pytest.mark.long(20)
def test_no_page_of_any_filter_order_or_search_reads_the_whole_table(city):
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")  # as in the web process
    found = []
    for query in [*FILTERS, *SEARCHES]:
        for sort in SORTS if query in FILTERS else ("-joined", "name"):
            for sql in queries(query, sort):
                assert "OFFSET" not in sql
                assert "COUNT(*)" not in sql or "FROM matched" in sql
                steps = plan(sql)
                if reads_all(steps):
                    found.append(f"{query} by {sort}\n{sql}\n{steps}")
    assert not found, f"{len(found)} plans read everything, such as\n{found[0]}"
    if connection.vendor == "postgresql":
        for query, index in {
            "status=active": "user_by_status_joined",
            "seen_to=-1y": "user_by_last_seen",
        }.items():
            assert_part_of_an_index_tells_whether_there_are_many(query, index)
        for sort in SORTS:
            assert_a_scan_stops_at_a_full_page(sort)


def asked(reader: PageReader, call: Callable) -> str:
    """The plan of the query that `call` makes."""
    with CaptureQueriesContext(connection) as queries:
        call(reader)
    [query] = queries
    return plan(query["sql"])


def assert_part_of_an_index_tells_whether_there_are_many(query: str, index: str) -> None:
    """Where the scan finds nobody, as after everybody at this end of the order was suspended."""
    look = asked(
        PageReader(Filter.parse(QueryDict(query)), UserQuerySet(User), "", False),
        PageReader.collect_by_filter,
    ).partition("CTE matched")[0]
    assert f"using {index}" in look, look
    assert "Bitmap" not in look, look


def assert_a_scan_stops_at_a_full_page(sort: str) -> None:
    """And puts nothing in order."""
    found = asked(
        PageReader(
            Filter.parse(QueryDict(f"verified=yes&sort={sort}")), UserQuerySet(User), "", False
        ),
        PageReader.scan,
    )
    assert_no_sort(found)


def test_the_check_recognises_a_plan_that_reads_everything(db):
    assert reads_all(
        plan(
            str(User.objects.filter(attributes={}).only("pk").order_by().query).replace(
                "{}", "'{}'"
            )
        )
    )
