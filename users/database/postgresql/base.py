"""Django's PostgreSQL backend with a cursor for prepared statements. A kept connection is polled
before a request and not queried, and the driver's loader in C reads points in time.

Both have a price tag: `connection-check` and `c-loader` in docs/benchmarks.md.
"""

import re
import select
from datetime import UTC
from itertools import count

from django.db.backends.postgresql import base
from psycopg import Cursor
from psycopg.errors import FeatureNotSupported
from psycopg.pq import TransactionStatus
from psycopg.types.datetime import TimestamptzLoader


class PlannedCursor(Cursor):
    """A cursor that prepares statements: at once if `prepare` is True, on second use if None."""

    prepare: bool | None = None

    def execute(self, query, params=None, **options):
        """Executes the statement; once more if a migration has changed the type of a column since
        it was planned.
        """
        options.setdefault("prepare", self.prepare)
        try:
            super().execute(query, params, **options)
        except FeatureNotSupported:
            if self.connection.info.transaction_status != TransactionStatus.IDLE:
                raise
            # The driver notices this statement and forgets its own list.
            self.connection.execute("DEALLOCATE ALL")
            super().execute(query, params, **options)
        self._query = self._query or Named(query)  # type: ignore[assignment]
        return self


class Named:
    """The text of a statement that was sent by name. Django's log asks for it, and the driver does
    not have it any more.
    """

    def __init__(self, text: str):
        self.text = text

    @property
    def query(self) -> bytes:
        number = count(1)
        numbered = lambda match: "%" if match[0] == "%%" else f"${next(number)}"  # noqa: E731
        return re.sub("%s|%%", numbered, self.text).encode()


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose times are read in C. Django converts each point in time to its zone in
    Python. If that zone is UTC, as the connection's is, the driver's own loader returns the same.
    """

    def get_new_connection(self, conn_params):
        connection = super().get_new_connection(conn_params)
        if self.timezone == UTC:
            connection.adapters.register_loader("timestamptz", TimestamptzLoader)
        return connection

    def create_cursor(self, name=None):
        """Makes a cursor. Django's own method would look for its own loader and not find it."""
        if self.timezone != UTC:
            return super().create_cursor(name)
        if not name:
            return self.connection.cursor()
        withhold = self.connection.autocommit
        return self.connection.cursor(name, scrollable=False, withhold=withhold)

    def planned_cursor(self, at_once: bool):
        """A cursor whose statements the server plans once, if the settings allow it
        (users/database/prepared_statements.py).
        """
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor = PlannedCursor(self.connection)
            cursor.prepare = at_once or None
            return self._prepare_cursor(cursor)  # type: ignore[attr-defined]

    def is_usable(self) -> bool:
        """Whether the connection is open and has nothing to read. A server that ends an idle
        connection writes to it or closes it; nothing else writes there. Django executes `SELECT 1`
        instead, one more round trip for every request.
        """
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
