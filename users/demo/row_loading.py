"""Loads the rows of a plan into either database, inside the caller's transaction.

RowMaker feeds both: COPY on PostgreSQL, with the rows made in other processes, and executemany on
SQLite. A million rows without indexes take 11 s on PostgreSQL; INSERT … SELECT over generate_series
took minutes, and would define every row a second time.
"""

import json
from collections.abc import Callable

from django.core.management.color import no_style
from django.db import connection

from users.demo.copy_blocks import copy_blocks
from users.demo.people import ACCOUNT_COLUMNS, BLOCK_ROWS, DemoPlan, RowMaker
from users.models import User

TABLE = User._meta.db_table
# Called with the number of rows so far.
Progress = Callable[[int], None]


def lock_accounts() -> None:
    """Keeps others from adding accounts until the transaction ends.

    On SQLite an immediate transaction does that already.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {TABLE} IN SHARE ROW EXCLUSIVE MODE")


def next_id() -> int:
    """Returns an id that no account has or had, since events may refer to a removed account."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [TABLE])
            sequence = cursor.fetchone()[0]
            last_value = "CASE WHEN is_called THEN last_value ELSE 0 END"
            cursor.execute(f"SELECT {last_value} FROM {sequence}")  # noqa: S608
        else:
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [TABLE])
        used = (cursor.fetchone() or [0])[0]
    newest = User.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return max(used, newest) + 1


def default_columns() -> tuple[tuple[str, str | None], ...]:
    """Returns the columns that are not in ACCOUNT_COLUMNS, each with the default of its field."""
    fields = {str(field.column): field for field in User._meta.concrete_fields}
    return tuple(
        (column, default_text(field.get_default()))
        for column, field in fields.items()
        if column not in ACCOUNT_COLUMNS
    )


def default_text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, bool):
        return str(int(value))
    return str(value)


def load_rows(plan: DemoPlan, progress: Progress) -> None:
    {"postgresql": copy_rows, "sqlite": insert_rows}[connection.vendor](plan, progress)
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [User]):
            cursor.execute(statement)


def copy_rows(plan: DemoPlan, progress: Progress) -> None:
    columns = ", ".join(plan.columns)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {TABLE} ({columns}) FROM STDIN") as target,
    ):
        for number, block in enumerate(copy_blocks(plan), 1):
            target.write(block)
            progress(min(number * BLOCK_ROWS, plan.accounts))


def insert_rows(plan: DemoPlan, progress: Progress) -> None:
    maker = RowMaker(plan)
    marks = ", ".join(["%s"] * len(plan.columns))
    statement = f"INSERT INTO {TABLE} ({', '.join(plan.columns)}) VALUES ({marks})"  # noqa: S608
    with connection.cursor() as cursor:
        for number, start in enumerate(plan.blocks, 1):
            cursor.executemany(statement, list(maker.block(start)))
            progress(min(number * BLOCK_ROWS, plan.accounts))
