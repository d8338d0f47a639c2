"""Prepared statements for SQL that is executed again and again.

PostgreSQL takes longer to plan such a statement than to run it, so it is planned once for each
connection. Other statements of the ORM are planned each time, for their own values.
The gain is measured as `prepared-statements` in docs/benchmarks.md.
"""

import re
from collections.abc import Callable
from typing import Any

from psycopg.sql import Literal

SqlWithParams = tuple[str, tuple]


def prepared_cursor(connection: Any, *, on_first_use: bool = True) -> Any:
    """Returns a cursor that uses prepared statements with generic plans, for constant SQL.

    `on_first_use`: prepare a statement on its first use, otherwise on its second.
    """
    if connection.vendor == "postgresql":
        return connection.planned_cursor(on_first_use)
    return connection.cursor()


def run_first_read(connection: Any, read: Callable[[], Any]) -> Any:
    """Returns what `read` returns, which is repeated on a new connection if the old one is closed.

    It is for the first read of a request, and saves the check of the connection.
    """
    if connection.vendor == "postgresql":
        return connection.run_first_read(read)
    return read()


def inline_values(
    connection: Any, statement: SqlWithParams, is_open: Callable[[Any], bool]
) -> SqlWithParams:
    """Returns the statement with its values as literals, so that it is planned for them.

    Values for which `is_open` returns True stay parameters.
    """
    sql, params = statement
    if connection.vendor != "postgresql":
        return statement
    connection.ensure_connection()
    values = iter(params)
    open_values: list[Any] = []

    def replace_placeholder(match: re.Match) -> str:
        if match[0] == "%%":
            return "%%"
        value = next(values)
        if is_open(value):
            open_values.append(value)
            return "%s"
        return Literal(value).as_string(connection.connection).replace("%", "%%")

    text = re.sub("%s|%%", replace_placeholder, sql)
    if any(True for _ in values):
        raise ValueError("There are more values than placeholders in the statement.")
    return text, tuple(open_values)
