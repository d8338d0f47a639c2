"""Inserts and updates many rows without objects of their model: with COPY and arrays on PostgreSQL,
with one prepared statement on SQLite.

Signals, defaults and what a manager does are left to the caller. The gain over bulk_create is
measured in docs/benchmarks.md (imports).
"""

# ruff: noqa: S608  the statements contain only names of tables and columns

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import JSONField, Model

# Rows that are sent to the server at once, so that it works while the next ones are made.
COPY_ROWS = 100
NO_COLUMNS: Mapping[str, Any] = {}
# Stands for NULL in the lines of COPY. In a value it is escaped.
NULL_TEXT = "\x01"
ESCAPES = str.maketrans(
    {
        "\\": r"\\",
        "\t": r"\t",
        "\n": r"\n",
        "\r": r"\r",
        NULL_TEXT: r"\x01",
    }
)
RESERVE_POSTGRESQL = """
    SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)
"""
USED_SQLITE = """
    SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = %s), 0),
        coalesce((SELECT max(id) FROM {table}), 0))
"""


def reserve_ids(model: type[Model], number: int) -> list[int]:
    """Returns ids that no row has or had, in ascending order, inside of a transaction."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(RESERVE_POSTGRESQL, [table, number])
            return sorted(row[0] for row in cursor.fetchall())
        # Nobody else writes until the end of the transaction.
        cursor.execute(USED_SQLITE.format(table=table), [table])
        used = cursor.fetchone()[0]
        return list(range(used + 1, used + 1 + number))


def insert_values(
    model: type[Model],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    constants: Mapping[str, Any] = NO_COLUMNS,
) -> None:
    """Inserts rows. `constants`: columns with one value for all rows."""
    table = model._meta.db_table
    names = ", ".join([*columns, *constants])
    with connection.cursor() as cursor, connection.wrap_database_errors:
        if connection.vendor == "postgresql":
            with cursor.copy(copy_statement(table, names)) as target:
                for block in copy_text_blocks(rows, constants):
                    target.write(block)
            return
        marks = ", ".join(["%s"] * (len(columns) + len(constants)))
        fixed = tuple(map(sqlite_value, constants.values()))
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"
        cursor.executemany(statement, [(*map(sqlite_value, row), *fixed) for row in rows])


def copy_statement(table: str, names: str) -> str:
    """Returns the statement that reads what `copy_text_blocks` yields."""
    return f"COPY {table} ({names}) FROM STDIN (NULL E'\\x01')"


def copy_text_blocks(
    rows: Iterable[Sequence[Any]], constants: Mapping[str, Any]
) -> Iterator[bytes]:
    """Yields the rows in the text format of COPY, with NULL_TEXT for nulls."""
    ending = "\n"
    if constants:
        ending = f"\t{copy_line(tuple(constants.values()))}\n"
    lines = (copy_line(row) + ending for row in rows)
    while block := list(islice(lines, COPY_ROWS)):
        yield "".join(block).encode()


def copy_line(row: Sequence[Any]) -> str:
    """Returns a row in the text format of COPY. Most rows have nothing to escape but line ends,
    which is seen faster in the whole line than in each value.
    """
    texts = [copy_text(value) for value in row]
    line = "\t".join(texts)
    has_escapes = "\\" in line or "\r" in line
    if has_escapes or line.count("\t") >= len(row) or line.count(NULL_TEXT) != row.count(None):
        return "\t".join(map(escape_text, row, texts))
    return line.replace("\n", "\\n")


def copy_text(value: Any) -> str:
    """Returns a value as COPY reads it, without escapes."""
    if type(value) is str:
        return value
    return NULL_TEXT if value is None else plain_text(value)


def escape_text(value: Any, text: str) -> str:
    """Returns the text of a value with all escapes."""
    return text if value is None else text.translate(ESCAPES)


def plain_text(value: Any) -> str:
    """Returns a value that is not None as PostgreSQL reads it."""
    if type(value) is int:
        return str(value)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)


def sqlite_value(value: Any) -> Any:
    """Returns a value as SQLite stores it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, UUID):
        return value.hex
    return value


def update_values(
    model: type[Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Updates rows with one statement. Each of `rows` has an id and the values of `columns`."""
    if not rows:
        return
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(update_from_arrays(model, columns), array_params(columns, rows))
            return
        marks = ", ".join(f"{name} = %s" for name in columns)
        statement = f"UPDATE {table} SET {marks} WHERE id = %s"
        cursor.executemany(statement, [(*map(sqlite_value, values), pk) for pk, *values in rows])


def update_from_arrays(model: type[Model], columns: Sequence[str]) -> str:
    """Returns the statement that sets the columns to the elements of arrays of texts."""
    fields = {str(field.column): field for field in model._meta.concrete_fields}
    types = {name: column_type(fields[name]) for name in columns}
    changes = ", ".join(f"{name} = given.{name}::{types[name]}" for name in columns)
    arrays = ", ".join(["%s::bigint[]", *["%s::text[]"] * len(columns)])
    return (
        f"UPDATE {model._meta.db_table} AS stored SET {changes} "
        f"FROM unnest({arrays}) AS given (id, {', '.join(columns)}) WHERE stored.id = given.id"
    )


def column_type(field: Any) -> str:
    return "jsonb" if isinstance(field, JSONField) else field.db_type(connection)


def array_params(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Returns the values of each column as an array; those of ids as they are."""
    ids, *values = map(list, zip(*rows, strict=True))
    return [ids, *(list(map(array_text, each)) for each in values)]


def array_text(value: Any) -> str | None:
    return value if value is None or type(value) is str else plain_text(value)
