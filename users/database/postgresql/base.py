"""Django's PostgreSQL, but that a kept connection is looked at and not asked before each request,
and that C reads times.
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
    """`prepare`: True for at once, None for at the second time."""

    prepare: bool | None = None

    def execute(self, query, params=None, **options):
        """Once more where a migration has changed the type of a column since the statement was
        planned.
        """
        options.setdefault("prepare", self.prepare)
        try:
            super().execute(query, params, **options)
        except FeatureNotSupported:
            if self.connection.info.transaction_status != TransactionStatus.IDLE:
                raise
            self.connection.execute("DEALLOCATE ALL")  # the driver hears of it too
            super().execute(query, params, **options)
        self._query = self._query or Named(query)  # type: ignore[assignment]
        return self


class Named:
    """What a statement says that was sent by its name: Django's log asks for it, and the driver
    does not know it any more.
    """

    def __init__(self, text: str):
        self.text = text

    @property
    def query(self) -> bytes:
        number = count(1)
        return re.sub(
            "%s|%%", lambda match: "%" if match[0] == "%%" else f"${next(number)}", self.text
        ).encode()


class DatabaseWrapper(base.DatabaseWrapper):
    """Django puts each time into its zone in Python, a third of what a page of the directory takes
    to load. Here Django's zone is UTC, and the connection's too: the driver's own loader, in C,
    gives the same.
    """

    def get_new_connection(self, conn_params):
        connection = super().get_new_connection(conn_params)
        if self.timezone == UTC:
            connection.adapters.register_loader("timestamptz", TimestamptzLoader)
        return connection

    def create_cursor(self, name=None):
        """Without Django's look at the loader, which knows its own alone."""
        if self.timezone != UTC:
            return super().create_cursor(name)
        if name:
            return self.connection.cursor(
                name, scrollable=False, withhold=self.connection.autocommit
            )
        return self.connection.cursor()

    def planned_cursor(self, at_once: bool):
        """For statements that the server shall plan once (users/database/prepared_statements.py), where the settings
        allow it.
        """
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor = PlannedCursor(self.connection)
            cursor.prepare = at_once or None
            return self._prepare_cursor(cursor)  # type: ignore[attr-defined]

    def is_usable(self) -> bool:
        """Nobody writes to a connection that waits for a query, but a server that ends it: to be
        told so, or hung up on, is to have something to read. Django asks `SELECT 1` instead: a
        round trip more for every request.
        """
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
