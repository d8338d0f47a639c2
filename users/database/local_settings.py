"""Settings of PostgreSQL for one transaction or block: time limits and switches of the planner."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

# Rows of a small part of a large table come from the index in their order. Statistics never know a
# part that has just grown: with them the planner would read and sort all of it for a few rows.
WITHOUT_SORTING = {"enable_sort": "off"}


def set_local_settings(settings: dict[str, str]) -> None:
    """Sets `settings` until the transaction ends; does nothing on SQLite. Times are texts of
    milliseconds.
    """
    if connection.vendor != "postgresql":
        return
    calls = ", ".join(["set_config(%s, %s, true)"] * len(settings))
    params = [text for pair in settings.items() for text in pair]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {calls}", params)
    if limit := settings.get("statement_timeout"):
        connection.connection.allow(int(limit))


@contextmanager
def answer_within(seconds: float) -> Iterator[None]:
    """Bounds the wait for an answer in a process that otherwise waits for as long as it takes. Does
    nothing on SQLite.
    """
    database: Any = connections["default"]
    if database.vendor != "postgresql":
        yield
        return
    usual = database.answer_seconds
    database.set_answer_seconds(seconds)
    try:
        yield
    finally:
        database.set_answer_seconds(usual)
