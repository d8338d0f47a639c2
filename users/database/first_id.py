"""The first id of an account, so that several installations (cells) can share one range of ids."""

from typing import Any

from django.conf import settings
from django.db import connections, transaction

TABLE = "users_user"
SEQUENCE = f"pg_get_serial_sequence('{TABLE}', 'id')"
# No step back: ids of removed accounts are not used again.
POSTGRESQL_SQL = f"SELECT setval({SEQUENCE}, GREATEST(%s, nextval({SEQUENCE})), false)"
SQLITE_SQL = (
    f"DELETE FROM sqlite_sequence WHERE name = '{TABLE}' AND seq < %s",  # noqa: S608
    f"INSERT INTO sqlite_sequence (name, seq) SELECT '{TABLE}', %s "  # noqa: S608
    f"WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '{TABLE}')",
)


def set_first_id(using: str = "default", **_: object) -> None:
    """Makes ids of accounts start at ACCOUNT_ID_START while there are none. A receiver of
    post_migrate.
    """
    connection: Any = connections[using]
    start = settings.ACCOUNT_ID_START
    if start == 1 or TABLE not in connection.introspection.table_names():
        return
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {TABLE})")  # noqa: S608
        if cursor.fetchone()[0]:
            return
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRESQL_SQL, [start])
            return
        for statement in SQLITE_SQL:
            cursor.execute(statement, [start - 1])
