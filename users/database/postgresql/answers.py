"""A limit on the time for which a process waits for the server, and what it knows of one that does
not answer.

`statement_timeout` and `lock_timeout` are kept by the server. A server that hangs, or a host that
is gone, keeps no time, so a process that must answer someone counts for itself.
"""

import time
from collections.abc import Callable
from contextlib import closing
from functools import cache
from threading import Event, Lock, Thread
from typing import Any

from psycopg import Connection, Error, OperationalError
from psycopg.errors import ConnectionTimeout, _WaitTimeout
from psycopg.pq import TransactionStatus

# What the way to the server and back may take beyond the server's own time limit.
GRACE_SECONDS = 1.0


# How long a request waits for a server that is known to be silent: it may be back this moment.
RETURN_SECONDS = 0.2
PROBE_SECONDS = 5


class ServerSilent(OperationalError):
    """The server has not answered within the limit."""


class Silence:
    """The knowledge of a process that its database server does not answer.

    While it lasts, a thread of its own waits for the server, and requests are refused: they would
    hold the threads that other requests need.
    """

    def __init__(self) -> None:
        # Of the monotonic clock. Connections that were made before are not trusted any more.
        self.noticed_at = 0.0
        self.lock = Lock()
        self.ended = Event()
        self.ended.set()

    def notice(self, connect: Callable[[], Any]) -> None:
        """Begins, unless it lasts already. `connect` returns a new connection."""
        with self.lock:
            self.noticed_at = time.monotonic()
            if self.ended.is_set():
                self.ended.clear()
                Thread(target=self.wait_for_server, args=[connect], daemon=True).start()

    def wait_for_server(self, connect: Callable[[], Any]) -> None:
        try:
            while not server_answers(connect):
                pass
        finally:
            self.ended.set()

    def require_end(self) -> None:
        """Raises ServerSilent while it lasts."""
        if not self.ended.wait(RETURN_SECONDS):
            raise ServerSilent("The server is silent.")


def server_answers(connect: Callable[[], Any]) -> bool:
    """Returns whether a server answers. One that refuses the connection does."""
    try:
        with closing(connect()) as connection:
            connection.usual_seconds = PROBE_SECONDS
            connection.execute("SELECT 1")
    except (ConnectionTimeout, ServerSilent):
        return False
    except Error:
        return True
    return True


@cache
def silence_of(alias: str) -> Silence:
    """Returns the one Silence of this process for a database."""
    return Silence()


class BoundedConnection(Connection):
    """A connection that is closed if an answer takes longer than the limit."""

    # Seconds; None: no limit.
    usual_seconds: float | None = None
    # For the transaction that runs, and has a longer time limit at the server.
    transaction_seconds: float | None = None
    has_timed_out = False
    on_timeout: Callable[[], None] | None = None

    @classmethod
    def connect(cls, *args, **kwargs):
        """Connects. Without the driver's frames, an error does not keep the socket open until the
        next garbage collection: a server that is back would count it as a connection.
        """
        try:
            return super().connect(*args, **kwargs)
        except ConnectionTimeout as error:
            raise error.with_traceback(None) from None

    def wait(self, gen, interval=0.1, timeout=None):
        """Consumes a generator of the driver; each round trip comes through here."""
        if timeout is not None or self.usual_seconds is None:
            return super().wait(gen, interval, timeout)
        if self.pgconn.transaction_status == TransactionStatus.IDLE:
            self.transaction_seconds = None
        try:
            return super().wait(gen, interval, self.transaction_seconds or self.usual_seconds)
        except _WaitTimeout:
            self.has_timed_out = True
            self.close()
            if self.on_timeout:
                self.on_timeout()
            raise ServerSilent("The server has not answered in time.") from None

    def allow(self, milliseconds: int) -> None:
        """Waits longer until the transaction ends: its statements may take so long."""
        if self.usual_seconds is not None:
            seconds = milliseconds / 1000 + GRACE_SECONDS
            self.transaction_seconds = max(seconds, self.usual_seconds)
