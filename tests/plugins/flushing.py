"""Deletes all rows after a transactional test, and restores those of the migrations.

Django's flush truncates every table and recreates content types, permissions, roles and triggers,
which takes longer than most tests. A test that changes the schema must restore it itself.
"""

from collections.abc import Iterator

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase

from users.audit.models import AuditEvent
from users.caching.models import Generation

AUDIT = AuditEvent._meta.db_table
# Deleted last: triggers of SQLite write to the first table, and the second has no model.
LAST = [Generation._meta.db_table, "rollcall_cache"]
# Tables that grew are truncated, because the space and the statistics of deleted rows would affect
# the plans of later tests.
USED = """
    SELECT oid::regclass::text FROM pg_class
    WHERE oid = ANY(%s::regclass[]) AND (reltuples > 0 OR pg_relation_size(oid) > 262144)
"""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> Iterator[None]:
    """Replaces the flush of transactional tests in the databases of pytest-django."""
    with django_db_blocker.unblock():
        initial = InitialRows()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: initial.restore())
        yield


class InitialRows:
    """The rows of all tables after the migrations."""

    def __init__(self) -> None:
        found = connection.introspection.django_table_names(only_existing=True, include_views=False)
        self.tables = [table for table in found if table not in LAST]
        with connection.cursor() as cursor:
            self.inserts = {
                table: insert_statement(cursor, table) for table in [*self.tables, *LAST]
            }
            self.trigger = deletion_trigger(cursor)

    def restore(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                self.prepare_postgresql(cursor)
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {AUDIT}_delete")
            for tables in (self.tables, LAST):
                delete_rows(cursor, tables)
                for table in tables:
                    if insert := self.inserts[table]:
                        cursor.execute(*insert)
            cursor.execute(self.trigger)
        ContentType.objects.clear_cache()

    def prepare_postgresql(self, cursor) -> None:
        """Waits for other writers, and disables triggers until the transaction ends."""
        tables = [*self.tables, *LAST]
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(USED, [tables])
        if used := [table for (table,) in cursor]:
            cursor.execute(f"TRUNCATE {', '.join(used)} CASCADE")


def delete_rows(cursor, tables: list[str]) -> None:
    statements = [f"DELETE FROM {table}" for table in tables]
    if connection.vendor == "postgresql":  # one statement, and one round trip
        statements = [f"DO $$ BEGIN {'; '.join(statements)}; END $$"]
    for statement in statements:
        cursor.execute(statement)


def insert_statement(cursor, table: str) -> tuple[str, list] | None:
    """Returns a statement that inserts the current rows of a table, and its parameters; None for an
    empty table.
    """
    cursor.execute(f"SELECT * FROM {table}")
    rows = cursor.fetchall()
    if not rows:
        return None
    row_placeholder = f"({', '.join(['%s'] * len(rows[0]))})"
    placeholders = ", ".join([row_placeholder] * len(rows))
    values = [value for row in rows for value in row]
    return f"INSERT INTO {table} VALUES {placeholders}", values


def deletion_trigger(cursor) -> str:
    """Returns the statement that creates SQLite's trigger against the deletion of events."""
    if connection.vendor == "postgresql":
        return "SELECT 1"
    cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [f"{AUDIT}_delete"])
    return cursor.fetchone()[0]
