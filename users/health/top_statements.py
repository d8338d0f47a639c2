"""The statements that took most time, from pg_stat_statements, with their plans."""

import re
from dataclasses import dataclass

from django.db import DatabaseError, connection, transaction

SHOWN = 10
# EXPLAIN (GENERIC_PLAN) came with PostgreSQL 16.
GENERIC_PLAN_VERSION = 160000
# Statements whose constants the server replaces by $1, $2: no values are shown.
NORMALISED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
MAX_LENGTH = 10_000
TOP_SQL = """
    SELECT query, calls, total_exec_time, mean_exec_time
    FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND query ~* '^\\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\\M'
    ORDER BY total_exec_time DESC
    LIMIT %s
"""


@dataclass(frozen=True)
class TopStatement:
    """A statement with its calls and times in milliseconds since the last reset."""

    text: str
    calls: int
    total: float
    mean: float
    # Lines of EXPLAIN; "" if the server can't plan it without values.
    plan: str

    @property
    def summary(self) -> str:
        """The beginning of the text on one line."""
        return " ".join(self.text.split())[:160]


def top_statements() -> list[TopStatement] | None:
    """Returns the statements with the highest total time, or None without pg_stat_statements."""
    if connection.vendor != "postgresql" or not has_statistics():
        return None
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(TOP_SQL, [SHOWN])
            rows = cursor.fetchall()
    except DatabaseError:
        # The extension is created, but its library is not loaded.
        return None
    return [
        TopStatement(text, calls, total, mean, statement_plan(text))
        for text, calls, total, mean in rows
    ]


def has_statistics() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pg_stat_statements') IS NOT NULL")
        return cursor.fetchone()[0]


def statement_plan(text: str) -> str:
    """Returns the generic plan of a normalised statement, which is planned and never executed.

    A text with a semicolon is not planned: it might be several statements.
    """
    is_one = NORMALISED.match(text) and ";" not in text and len(text) <= MAX_LENGTH
    if not is_one or connection.pg_version < GENERIC_PLAN_VERSION:  # type: ignore[attr-defined]
        return ""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (GENERIC_PLAN) {text}")
            return "\n".join(line for (line,) in cursor.fetchall())
    except DatabaseError:
        # Such as a table that is gone, or a parameter without a known type.
        return ""
