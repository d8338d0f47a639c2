"""Reads accounts for display with few columns, without the ORM's work per row.

The objects are read-only and must not be saved.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, reduce
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Field
from django.db.models.expressions import RawSQL

from users.database.compiled_sql import compile_tail
from users.database.prepared_statements import SqlWithParams, prepared_cursor
from users.directory.columns import COLUMN_FIELDS
from users.models import User, UserQuerySet

# The fields that the rows of the list, their order and their links need.
# The last one is that of a filter without a column.
OTHER_FIELDS = ("name_key", "search_key", "version", "email_bounced_at")
LISTED_FIELDS = tuple(dict.fromkeys(("id", *COLUMN_FIELDS, *OTHER_FIELDS)))
LISTED_SQL = ", ".join(f'"users_user"."{name}"' for name in LISTED_FIELDS)
ExtraColumns = Mapping[str, RawSQL]
Converter = Callable[[Any], Any]
NO_EXTRA_COLUMNS: ExtraColumns = {}


def load_accounts(accounts: UserQuerySet) -> list[User]:
    """Returns read-only `User` objects with LISTED_FIELDS."""
    try:
        sql, params = listed_sql(accounts)
    except EmptyResultSet:
        # A condition can't be met.
        return []
    return read_accounts(accounts.db, sql, params)


def listed_sql(accounts: UserQuerySet, extra: ExtraColumns = NO_EXTRA_COLUMNS) -> SqlWithParams:
    """Returns the SELECT of LISTED_FIELDS. Raises EmptyResultSet."""
    return select_listed(compile_tail(accounts), extra)


def select_listed(tail: SqlWithParams, extra: ExtraColumns = NO_EXTRA_COLUMNS) -> SqlWithParams:
    """Returns a SELECT of LISTED_FIELDS and of the `extra` columns by name.

    `tail` is the statement from FROM on. To compile these columns, the ORM takes longer than the
    database takes to find a page.
    """
    columns = [LISTED_SQL, *(f"({column.sql}) AS {name}" for name, column in extra.items())]
    extra_params = [param for column in extra.values() for param in column.params]
    sql, params = tail
    return f"SELECT {', '.join(columns)}{sql}", (*extra_params, *params)


def read_accounts(
    database: str, sql: str, params: Sequence[Any], *, prepare_on_first_use: bool = False
) -> list[User]:
    """Runs `sql` and returns read-only `User` objects; extra columns become plain attributes.

    `prepare_on_first_use`: prepare the statement on its first use instead of on its second.
    """
    with prepared_cursor(connections[database], on_first_use=prepare_on_first_use) as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall()
        names = [column[0] for column in cursor.description]
    converters = column_converters(database, tuple(names))
    if converters:
        rows = [convert_row(converters, row) for row in rows]
    return [readonly_account(names, row) for row in rows]


def convert_row(converters: list[tuple[int, Converter]], row: Sequence[Any]) -> list[Any]:
    values = list(row)
    for position, convert in converters:
        values[position] = convert(values[position])
    return values


@cache
def column_converters(database: str, names: tuple[str, ...]) -> list[tuple[int, Converter]]:
    """Returns position and converter of each column whose values the driver does not convert."""
    fields = {field.column: field for field in User._meta.concrete_fields}
    converters = []
    for position, name in enumerate(names):
        converter = field_converter(database, fields[name]) if name in fields else None
        if converter is not None:
            converters.append((position, converter))
    return converters


def field_converter(database: str, field: Field) -> Converter | None:
    """Returns the function from database values to values of the field; None if not needed."""
    connection = connections[database]
    column = field.get_col(User._meta.db_table)
    steps = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
    if not steps:
        return None
    if len(steps) == 1:
        [step] = steps
        return lambda value: step(value, column, connection)
    return lambda value: reduce(lambda value, step: step(value, column, connection), steps, value)


def readonly_account(names: list[str], row: Sequence[Any]) -> User:
    account = User.__new__(User)
    account.__dict__.update(zip(names, row, strict=True))
    return account
