"""Query plans, for tests that a page is a range of an index at any position."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

ANALYZED = ("users_user", "users_auditevent")
FORGET_STATISTICS = """
    DELETE FROM pg_statistic WHERE starelid = ANY(%(tables)s::regclass[]);
    UPDATE pg_class SET reltuples = -1, relpages = 0
    WHERE oid = ANY(%(tables)s::regclass[]) OR oid IN (
        SELECT indexrelid FROM pg_index WHERE indrelid = ANY(%(tables)s::regclass[])
    );
"""


def plans(call: Callable[[], Any], analyze: Sequence[str] = ANALYZED) -> list[str]:
    """Returns the plan of each SELECT in `call`.

    PostgreSQL may not use the plans that it prefers for small tables, and has statistics of the
    tables `analyze` only.
    """
    with CaptureQueriesContext(connection) as queries:
        call()
    found = [query["sql"] for query in queries if query["sql"].startswith(("SELECT", "WITH"))]
    if connection.vendor == "postgresql":
        reset_planner(*table_names(" ".join(found)))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"ANALYZE {', '.join(analyze)}")
        else:
            cursor.execute("ANALYZE")
        return [explain(cursor, sql) for sql in found]


def table_names(sql: str) -> set[str]:
    models = apps.get_models(include_auto_created=True)
    return {model._meta.db_table for model in models} & set(re.findall(r"\w+", sql))


def reset_planner(*tables: str) -> None:
    """Removes what the planner of PostgreSQL knows of `tables` and their indexes, until the test
    ends.

    Statistics, and the sizes of a table and its indexes, outlive the rollback of a test, so a plan
    would depend on the tests before this one.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        for table in sorted(set(tables)):
            # It also builds the indexes again.
            cursor.execute(f"CLUSTER {table} USING {table}_pkey")
        cursor.execute(FORGET_STATISTICS, {"tables": sorted(set(tables))})


def explain(cursor, sql: str) -> str:
    """Returns the plan, on PostgreSQL the generic one, which does not depend on parameters."""
    option = "(GENERIC_PLAN)" if connection.vendor == "postgresql" else "QUERY PLAN"
    cursor.execute(f"EXPLAIN {option} {sql}")
    return "\n".join(str(row[-1]) for row in cursor.fetchall())


def assert_no_sort(plan: str) -> None:
    """Checks that the plan sorts nothing, not even parts of the result (Incremental Sort)."""
    assert "Sort" not in plan, plan
    assert "TEMP B-TREE" not in plan, plan
