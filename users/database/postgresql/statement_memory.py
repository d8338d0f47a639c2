"""The driver's memory of statements, without long texts."""

from typing import Any

from psycopg._preparing import Key, Prepare, PrepareManager
from psycopg._queries import PostgresQuery

# In bytes. Statements that are prepared have their values apart, so they are shorter.
TEXT_MAX = 100_000


class StatementMemory(PrepareManager):
    """Counts statements, of which the driver prepares those that come again.

    It counts those of Django's cursors too, whose texts contain their values, and keeps a hundred
    of them: 200 MB after a hundred INSERTs of a megabyte, which is written in hexadecimal.
    """

    def maybe_add_to_cache(self, query: PostgresQuery, prep: Prepare, name: bytes) -> Key | None:
        if len(query.query) > TEXT_MAX:
            return None
        return super().maybe_add_to_cache(query, prep, name)


def forget_long_statements(connection: Any) -> None:
    """Replaces the memory of a new connection."""
    memory = StatementMemory()
    memory.prepare_threshold = connection.prepare_threshold
    memory.prepared_max = connection.prepared_max
    connection._prepared = memory
