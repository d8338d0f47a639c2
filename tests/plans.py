"""How the database goes about a query: for tests that a page is an index range, whatever its
number.
"""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext


def plans(call: Callable[[], Any]) -> list[str]:
    """The plan of each SELECT that `call` makes. PostgreSQL is kept from what it does with tables
    as small as a test's.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute("ANALYZE users_user, users_auditevent")
        else:
            cursor.execute("ANALYZE")
        with CaptureQueriesContext(connection) as queries:
            call()
        return [
            explain(cursor, query["sql"]) for query in queries if query["sql"].startswith("SELECT")
        ]


def explain(cursor, sql: str) -> str:
    """Where the statement is planned once, for whatever its parameters may be."""
    cursor.execute(
        f"EXPLAIN {'(GENERIC_PLAN)' if connection.vendor == 'postgresql' else 'QUERY PLAN'} {sql}"
    )
    return "\n".join(str(row[-1]) for row in cursor.fetchall())


def assert_no_sort(plan: str) -> None:
    """Neither the whole result nor, as PostgreSQL can, runs of it."""
    assert "Sort" not in plan, plan
    assert "TEMP B-TREE" not in plan, plan
