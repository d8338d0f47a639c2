"""Django's PostgreSQL backend with a cursor for prepared statements.

Timestamps are read by the driver's loader, which is written in C. The gain is
measured as `c-loader` in docs/benchmarks.md.
"""

import re
from datetime import UTC
from itertools import count

from django.db.backends.postgresql import base
from psycopg import Cursor
from psycopg.errors import FeatureNotSupported
from psycopg.pq import TransactionStatus
from psycopg.types.datetime import TimestamptzLoader


class PlannedCursor(Cursor):
    """A cursor that prepares statements: on first use if `prepare` is True, on second if None."""

    prepare: bool | None = None

    def execute(self, query, params=None, **options):
        """Executes the statement, and retries it if a migration has changed the type of a column.

        A retry needs an idle connection: inside a transaction, the error is raised.
        """
        options.setdefault("prepare", self.prepare)
        try:
            super().execute(query, params, **options)
        except FeatureNotSupported:
            if self.connection.info.transaction_status != TransactionStatus.IDLE:
                raise
            # The driver recognises this statement and clears its own list.
            self.connection.execute("DEALLOCATE ALL")
            super().execute(query, params, **options)
        self._query = self._query or StatementText(query)  # type: ignore[assignment]
        return self


class StatementText:
    """The text of a statement that was sent by name, for Django's log.

    The driver does not keep it.
    """

    def __init__(self, text: str):
        self.text = text

    @property
    def query(self) -> bytes:
        numbers = count(1)

        def numbered_placeholder(match: re.Match) -> str:
            return "%" if match[0] == "%%" else f"${next(numbers)}"

        return re.sub("%s|%%", numbered_placeholder, self.text).encode()


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose timestamps are read in C.

    Django converts each timestamp to its time zone in Python. If that zone is UTC, like that of the
    connection, the driver's own loader returns equal values.
    """

    def get_new_connection(self, conn_params):
        connection = super().get_new_connection(conn_params)
        if self.timezone == UTC:
            connection.adapters.register_loader("timestamptz", TimestamptzLoader)
        return connection

    def create_cursor(self, name=None):
        """Creates a cursor. Django's method would look for Django's loader and not find it."""
        if self.timezone != UTC:
            return super().create_cursor(name)
        if not name:
            return self.connection.cursor()
        withhold = self.connection.autocommit
        return self.connection.cursor(name, scrollable=False, withhold=withhold)

    def planned_cursor(self, on_first_use: bool):
        """Returns a cursor whose statements the server plans once, if the settings allow it.

        users/database/prepared_statements.py describes `on_first_use`.
        """
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor = PlannedCursor(self.connection)
            cursor.prepare = on_first_use or None
            return self._prepare_cursor(cursor)  # type: ignore[attr-defined]
