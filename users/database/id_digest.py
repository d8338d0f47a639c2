"""A digest of a set of ids: SHA-256 over the ids in ascending order, eight bytes each.

No two sets with one digest can be found. PostgreSQL computes it by itself, ten million ids in a few
seconds; SQLite has no such function, so Python reads the ids.
"""

import sys
from array import array
from hashlib import sha256

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

from users.database.compiled_sql import compile_queryset

BATCH_ROWS = 10_000
DIGEST_SQL = (
    "SELECT count(*), sha256(coalesce(string_agg(int8send({id}), ''::bytea ORDER BY {id}), '')) "
    "FROM ({rows}) AS {alias}"
)


def digest_ids(rows: QuerySet, column: str) -> tuple[int, str]:
    """Returns the number of rows and the digest of their ids, which stand in `column`. Raises
    OperationalError if that takes too long.
    """
    try:
        sql, params = compile_queryset(rows.order_by())
    except EmptyResultSet:
        return 0, sha256().hexdigest()
    connection = connections[rows.db]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            id_column = connection.ops.quote_name(column)
            digest_sql = DIGEST_SQL.format(
                id=id_column,
                rows=sql,
                alias="ids",
            )
            cursor.execute(digest_sql, params)
            number, digest = cursor.fetchone()
            return number, bytes(digest).hex()
        cursor.execute(f"SELECT {column} FROM ({sql}) ORDER BY 1", params)  # noqa: S608  our column
        return digest_rows(cursor)


def digest_rows(cursor) -> tuple[int, str]:
    """Reads the rows of a cursor, which are ids in ascending order."""
    number = 0
    digest = sha256()
    while rows := cursor.fetchmany(BATCH_ROWS):
        ids = array("q", [pk for (pk,) in rows])
        if sys.byteorder == "little":
            # PostgreSQL sends the most significant byte first.
            ids.byteswap()
        digest.update(ids)
        number += len(rows)
    return number, digest.hexdigest()
