"""Query plans, for tests that a page is a range of an index at any position."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext


def plans(call: Callable[[], Any]) -> list[str]:
    """Returns the plan of each SELECT in `call`.

    PostgreSQL may not use the plans that it prefers for small tables.
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
            explain(cursor, query["sql"])
            for query in queries
            if query["sql"].startswith(("SELECT", "WITH"))
        ]


def rebuild_indexes(table: str) -> None:
    """Removes what other tests have left in the indexes of a table, whose size the planner of
    PostgreSQL compares.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"REINDEX TABLE {table}")


def forget_statistics(*tables: str) -> None:
    """Lets the planner of PostgreSQL expect the same of `tables` whatever other tests have gathered
    in them: sizes outlive a rollback.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE pg_class SET reltuples = -1, relpages = 0
                WHERE relname = ANY(%s) OR oid IN (SELECT indexrelid FROM pg_index
                    WHERE indrelid::regclass::text = ANY(%s))""",
                [list(tables), list(tables)],
            )


def explain(cursor, sql: str) -> str:
    """Returns the plan, on PostgreSQL the generic one, which does not depend on parameters."""
    option = "(GENERIC_PLAN)" if connection.vendor == "postgresql" else "QUERY PLAN"
    cursor.execute(f"EXPLAIN {option} {sql}")
    return "\n".join(str(row[-1]) for row in cursor.fetchall())


def assert_no_sort(plan: str) -> None:
    """Checks that the plan sorts nothing, not even parts of the result (Incremental Sort)."""
    assert "Sort" not in plan, plan
    assert "TEMP B-TREE" not in plan, plan
