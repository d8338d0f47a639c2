"""psycopg's cache of prepared statements, without long statements."""

from typing import Any

from psycopg._preparing import Key, Prepare, PrepareManager
from psycopg._queries import PostgresQuery

# In bytes. The text of a prepared statement does not contain its values, so it is shorter.
TEXT_MAX = 100_000


class ShortStatementCache(PrepareManager):
    """Counts short statements only. psycopg prepares a statement that is executed repeatedly.

    It also counts the statements of Django's cursors, whose text contains their values, and keeps
    the last hundred: 200 MB after a hundred INSERTs of a megabyte, which it writes in hexadecimal.
    """

    def maybe_add_to_cache(self, query: PostgresQuery, prep: Prepare, name: bytes) -> Key | None:
        if len(query.query) > TEXT_MAX:
            return None
        return super().maybe_add_to_cache(query, prep, name)


def limit_statement_cache(connection: Any) -> None:
    """Replaces the statement cache of a new connection."""
    cache = ShortStatementCache()
    cache.prepare_threshold = connection.prepare_threshold
    cache.prepared_max = connection.prepared_max
    connection._prepared = cache
