"""Django's PostgreSQL backend with a cursor for prepared statements, and a limit on the wait for
answers (users/database/postgresql/answers.py).

Timestamps are read by the driver's loader, which is written in C. The gain is
measured as `c-loader` in docs/benchmarks.md.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError
from django.db.backends.postgresql import base
from psycopg import Cursor
from psycopg.errors import ConnectionTimeout, FeatureNotSupported, QueryCanceled
from psycopg.pq import TransactionStatus
from psycopg.types.datetime import TimestamptzLoader

from users.database.clock import DATABASE_CLOCK
from users.database.postgresql.answers import BoundedConnection, ServerSilent, silence_of
from users.database.postgresql.statement_cache import limit_statement_cache

# How PgBouncer refuses clients while it cannot reach the server.
POOLER_REFUSALS = ("server_login_retry", "server login failed")
# For how long a request is patient: longer than server_login_retry (docs/scaling.md).
POOLER_SECONDS = 0.6
POOLER_PAUSE = 0.05


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


def is_pooler_refusal(error: Exception) -> bool:
    """Returns whether PgBouncer answers in place of a server that it cannot reach."""
    return any(text in str(error) for text in POOLER_REFUSALS)


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

    The setting ANSWER_SECONDS limits the wait for an answer. A request that has waited in vain does
    not wait again.
    """

    # Django connects by it, and takes the driver's exceptions from it.
    Database: Any = SimpleNamespace(**vars(psycopg) | {"connect": BoundedConnection.connect})

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.answer_seconds = self.settings_dict.get("ANSWER_SECONDS")
        self.is_bounded = self.answer_seconds is not None
        self.opened_at = 0.0
        self.gave_up = False
        # Django's note that the connection of this request is checked.
        self.health_check_done: bool = False

    def connect(self):
        """Connects. A pooler refuses clients, or their first statement, until it has tried the
        server again, so the first request after an outage waits for that. A request waits once.
        """
        if not self.is_bounded:
            return super().connect()
        deadline = time.monotonic() + POOLER_SECONDS
        while True:
            try:
                return super().connect()
            except (psycopg.OperationalError, OperationalError) as error:
                if not is_pooler_refusal(error):
                    raise
                self.close()
                if time.monotonic() > deadline:
                    self.gave_up = True
                    raise
            time.sleep(POOLER_PAUSE)

    def get_new_connection(self, conn_params):
        self.opened_at = time.monotonic()
        if self.is_bounded:
            connection = self.connect_in_time(conn_params)
        else:
            connection = super().get_new_connection(conn_params)
        limit_statement_cache(connection)
        connection.usual_seconds = self.answer_seconds
        connection.on_timeout = self.notice_silence
        if self.timezone == UTC:
            self.use_c_loader(connection)
        return connection

    def init_connection_state(self):
        super().init_connection_state()
        if self.alias == DEFAULT_DB_ALIAS:
            answer = self.connection.execute("SELECT clock_timestamp()", prepare=False)
            DATABASE_CLOCK.compare(answer.fetchone()[0])

    def use_c_loader(self, connection):
        connection.adapters.register_loader("timestamptz", TimestamptzLoader)

    def connect_in_time(self, conn_params):
        """Connects. Raises ServerSilent at once if this request has waited in vain before, or if
        the server is known to be silent.
        """
        if self.gave_up:
            raise ServerSilent("The server has not answered in this request before.")
        try:
            silence_of(self.alias).require_end()
            return super().get_new_connection(conn_params)
        except (ServerSilent, ConnectionTimeout) as error:
            self.gave_up = True
            if isinstance(error, ConnectionTimeout):
                self.notice_silence()
            raise

    def notice_silence(self):
        connect = partial(BoundedConnection.connect, **self.get_connection_params())
        silence_of(self.alias).notice(connect)

    def set_answer_seconds(self, seconds):
        self.answer_seconds = seconds
        if self.connection is not None:
            self.connection.usual_seconds = seconds

    def is_usable(self):
        """Returns whether the connection answers, and was opened after the server last hung."""
        return self.opened_at > silence_of(self.alias).noticed_at and super().is_usable()

    def run_first_read(self, read: Callable[[], Any]) -> Any:
        """Returns what `read` returns. If the server has closed the connection since the last
        request, a new one is opened and `read` runs again.

        Of the first read of a request, this saves the statement by which Django checks a
        connection. `read` must change nothing.
        """
        if self.connection is None or self.health_check_done or self.in_atomic_block:
            return read()
        # One that was opened before the server last hung is left to Django's check.
        self.health_check_done = self.opened_at > silence_of(self.alias).noticed_at
        try:
            return read()
        except (InterfaceError, OperationalError) as error:
            if isinstance(error.__cause__, QueryCanceled):
                raise
        self.close()
        return read()

    def close(self):
        if self.is_bounded and self.connection is not None and self.connection.has_timed_out:
            self.gave_up = True
        super().close()

    def close_if_unusable_or_obsolete(self):
        """Closes such a connection, as Django does, and forgets that the server was given up."""
        super().close_if_unusable_or_obsolete()
        self.gave_up = False

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
        # Django does this for its own cursors: the server may have closed the connection.
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor = PlannedCursor(self.connection)
            cursor.prepare = on_first_use or None
            return self._prepare_cursor(cursor)  # type: ignore[attr-defined]
