"""Empties the database after a transactional test, and puts back the rows that migrations made.

Django's flush truncates every table and then makes content types, permissions, roles and triggers
anew, which took longer than most of the tests themselves. Here rows are deleted, and the rows of
the migrations are inserted as they were. A test that changes the schema puts it back itself.
"""

from collections.abc import Iterator

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase

from users.audit.models import AuditEvent
from users.caching.models import Generation

AUDIT = AuditEvent._meta.db_table
# Triggers of SQLite write the first while other tables change; no model has the second.
LAST = [Generation._meta.db_table, "rollcall_cache"]
# Deleted rows take space and leave statistics, which later plans would show: such a table is
# truncated.
USED = """
    SELECT oid::regclass::text FROM pg_class
    WHERE oid = ANY(%s::regclass[]) AND (reltuples > 0 OR pg_relation_size(oid) > 262144)
"""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> Iterator[None]:
    """pytest-django's databases, to which every transactional test gives back their first rows."""
    with django_db_blocker.unblock():
        initial = InitialRows()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: initial.restore())
        yield


class InitialRows:
    """The rows of every table after the migrations."""

    def __init__(self) -> None:
        found = connection.introspection.django_table_names(only_existing=True, include_views=False)
        self.tables = [table for table in found if table not in LAST]
        with connection.cursor() as cursor:
            self.inserts = {table: insert(cursor, table) for table in [*self.tables, *LAST]}
            self.trigger = deletion_trigger(cursor)

    def restore(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                self.prepare_postgresql(cursor)
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {AUDIT}_delete")
            for tables in (self.tables, LAST):
                for table in tables:
                    cursor.execute(f"DELETE FROM {table}")
                for table in tables:
                    cursor.execute(*self.inserts[table])
            cursor.execute(self.trigger)
        ContentType.objects.clear_cache()

    def prepare_postgresql(self, cursor) -> None:
        """Waits for whoever still writes, and switches triggers off until the transaction ends."""
        tables = [*self.tables, *LAST]
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(USED, [tables])
        if used := [table for (table,) in cursor]:
            cursor.execute(f"TRUNCATE {', '.join(used)} CASCADE")


def insert(cursor, table: str) -> tuple[str, list]:
    """A statement that inserts the present rows of a table, and its parameters."""
    cursor.execute(f"SELECT * FROM {table}")
    rows = cursor.fetchall()
    if not rows:
        return "SELECT 1", []
    places = ", ".join(["%s"] * len(rows[0]))
    values = [value for row in rows for value in row]
    return f"INSERT INTO {table} VALUES {', '.join([f'({places})'] * len(rows))}", values


def deletion_trigger(cursor) -> str:
    """The statement that makes SQLite's trigger against the deletion of events."""
    if connection.vendor == "postgresql":
        return "SELECT 1"
    cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [f"{AUDIT}_delete"])
    return cursor.fetchone()[0]
