"""Django's PostgreSQL, but that a kept connection is looked at and not asked before each request, and that C reads times."""

import select
from datetime import UTC

from django.db.backends.postgresql import base
from psycopg.types.datetime import TimestamptzLoader


class DatabaseWrapper(base.DatabaseWrapper):
    """Django puts each time into its zone in Python, a third of what a page of the directory takes to load. Here Django's
    zone is UTC, and the connection's too: the driver's own loader, in C, gives the same."""

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
            return self.connection.cursor(name, scrollable=False, withhold=self.connection.autocommit)
        return self.connection.cursor()

    def is_usable(self) -> bool:
        """Nobody writes to a connection that waits for a query, but a server that ends it: to be told so, or hung up on,
        is to have something to read. Django asks `SELECT 1` instead: a round trip more for every request."""
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
