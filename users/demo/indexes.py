"""Drops the indexes and search triggers of the empty account table while it is filled, and restores
them afterwards.

All of it happens in the caller's transaction. DDL is transactional on both databases, so an
interruption at any moment leaves the table empty and its indexes in place.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from users.database import triggers
from users.models import User

TABLE = User._meta.db_table
INDEXES_POSTGRESQL = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = %s::regclass
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    ORDER BY 1
"""
INDEXES_SQLITE = (
    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = %s AND sql IS "
    "NOT NULL ORDER BY 1"
)


def index_definitions() -> dict[str, str]:
    """Returns the CREATE statement of each index that belongs to no constraint, by its name."""
    with connection.cursor() as cursor:
        query = INDEXES_POSTGRESQL if connection.vendor == "postgresql" else INDEXES_SQLITE
        cursor.execute(query, [TABLE])
        return dict(cursor.fetchall())


@contextmanager
def rebuild_after(rows: int) -> Iterator[None]:
    """Drops the indexes for the block and builds them after it.

    `rows`: the approximate number of rows that the block inserts.
    """
    found = index_definitions()
    with connection.cursor() as cursor:
        for name in found:
            cursor.execute(f"DROP INDEX {name}")
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER IF EXISTS users_user_search_insert")
        yield
        raise_sort_memory(cursor, rows)
        for definition in found.values():
            cursor.execute(definition.replace("%", "%%"), [])
        if connection.vendor == "sqlite":
            cursor.execute("INSERT INTO users_user_search(users_user_search) VALUES ('rebuild')")
            triggers.install_triggers(connection)


def raise_sort_memory(cursor, rows: int) -> None:
    """Sets the memory for sorting to 200 bytes per row, 64 MB to 1 GB, for this transaction."""
    megabytes = min(1024, max(64, rows // 5000))
    if connection.vendor == "postgresql":
        cursor.execute(f"SET LOCAL maintenance_work_mem = '{megabytes}MB'")
        cursor.execute("SET LOCAL max_parallel_maintenance_workers = 4")
    else:
        cursor.execute(f"PRAGMA cache_size = -{megabytes * 1024}")


def refresh_statistics() -> None:
    """Updates the statistics of the planner and, outside of a transaction on PostgreSQL, the
    visibility map that index-only scans need.
    """
    with connection.cursor() as cursor:
        can_vacuum = connection.vendor == "postgresql" and not connection.in_atomic_block
        cursor.execute(f"VACUUM (ANALYZE) {TABLE}" if can_vacuum else f"ANALYZE {TABLE}")
