"""Statements that come again and again. PostgreSQL takes longer to plan one than to run most, so it
plans these once for each connection; the rest of the ORM's statements are planned anew, each for
its own values.
"""

import re
from collections.abc import Callable
from typing import Any

from psycopg.sql import Literal

SqlWithParams = tuple[str, tuple]


def prepared_cursor(connection: Any, *, at_once: bool = True) -> Any:
    """For statements whose text stays the same, whatever their parameters are: the plan is made
    without knowing these, at the first time, or else at the second.
    """
    return (
        connection.planned_cursor(at_once)
        if connection.vendor == "postgresql"
        else connection.cursor()
    )


def inline_values(
    connection: Any, statement: SqlWithParams, is_open: Callable[[Any], bool]
) -> SqlWithParams:
    """The same statement with all values in its text, so that it is planned for them, but those
    that are still open.
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

    text = re.sub("%s|%%", put, sql)
    if any(True for _ in values):
        raise ValueError("There are more values than placeholders in the statement.")
    return text, tuple(left)
