"""Django's PostgreSQL, but that a kept connection is looked at and not asked before each request."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Nobody writes to a connection that waits for a query, but a server that ends it: to be told so, or hung up on,
        is to have something to read. Django asks `SELECT 1` instead: a round trip more for every request."""
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
