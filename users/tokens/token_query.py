"""Loads a token by its digest with handwritten SQL, since each request of a program does it first.

The ORM takes longer to compile the query than the database to answer it.
"""

from functools import cache
from typing import Any

from django.db import connections, router

from users.database.prepared_statements import prepared_cursor, run_first_read
from users.tokens.models import ApiToken

FIELDS = ApiToken._meta.concrete_fields
NAMES = [field.attname for field in FIELDS]
COLUMNS = ", ".join(f'"{field.column}"' for field in FIELDS)
TOKEN_SQL = f"SELECT {COLUMNS} FROM users_apitoken WHERE digest = %s"  # noqa: S608  constants


def load_token(digest: bytes) -> ApiToken | None:
    """Returns the token with this digest as stored; None if there is none."""
    alias = router.db_for_read(ApiToken)
    connection = connections[alias]

    def read_row() -> tuple | None:
        with prepared_cursor(connection) as cursor:
            cursor.execute(TOKEN_SQL, [digest])
            return cursor.fetchone()

    row = run_first_read(connection, read_row)
    if row is None:
        return None
    compiler, converters = token_converters(alias)
    (values,) = compiler.apply_converters([row], converters)
    return ApiToken.from_db(alias, NAMES, values)


@cache
def token_converters(alias: str) -> tuple[Any, dict]:
    """Returns the compiler and the converters from database values to field values."""
    compiler = ApiToken.objects.using(alias).query.get_compiler(alias)
    table = ApiToken._meta.db_table
    columns = [field.get_col(table) for field in FIELDS]
    return compiler, compiler.get_converters(columns)
