"""Prepared statements for SQL that is executed again and again.

PostgreSQL takes longer to plan such a statement than to run it, so it plans it once for each
connection. Other statements of the ORM are planned anew, each for its own values.

This has a price tag: `prepared-statements` in docs/benchmarks.md.
"""

import re
from collections.abc import Callable
from typing import Any

from psycopg.sql import Literal

SqlWithParams = tuple[str, tuple]


def prepared_cursor(connection: Any, *, at_once: bool = True) -> Any:
    """A cursor that uses server-side prepared statements with generic plans, for SQL whose text is
    constant. `at_once`: it prepares a statement on first use, otherwise on second.
    """
    if connection.vendor == "postgresql":
        return connection.planned_cursor(at_once)
    return connection.cursor()


def inline_values(
    connection: Any, statement: SqlWithParams, is_open: Callable[[Any], bool]
) -> SqlWithParams:
    """The statement with its values in its text, so that it is planned for them. Values for which
    `is_open` is true stay parameters.
    """
    sql, params = statement
    if connection.vendor != "postgresql":
        return statement
    connection.ensure_connection()
    values = iter(params)
    left: list[Any] = []

    def put(match: re.Match) -> str:
        if match[0] == "%%":
            return "%%"
        value = next(values)
        if is_open(value):
            left.append(value)
            return "%s"
        return Literal(value).as_string(connection.connection).replace("%", "%%")

    return re.sub("%s|%%", put, sql), tuple(left)
