"""Django's SQLite backend, which calls a function when a transaction begins and before it commits.

SQLite has no deferred triggers, so changes of accounts without an event are looked for there
(users/audit/outside_changes.py). Only one transaction writes at a time (transaction_mode
IMMEDIATE).
"""

import sqlite3
from collections.abc import Callable

from django.db import DatabaseError
from django.db.backends.sqlite3 import base

# The number of changes without an event so far, and the highest id of an event.
STATE = """
    SELECT (SELECT count(*) FROM users_unrecordedchange), (SELECT max(id) FROM users_auditevent)
"""


def leave_changes(after: int) -> None:
    """Does nothing, before the application has started."""


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that records changes made outside Rollcall."""

    # Records the changes of accounts that have no event with a higher id; set by the room `audit`.
    record_changes: Callable[[int], None] = staticmethod(leave_changes)
    # The highest id of an event when the transaction began.
    last_event_id = 0
    # Whether the tables are those of this release.
    is_recording = True

    def _start_transaction_under_autocommit(self) -> None:
        super()._start_transaction_under_autocommit()  # type: ignore[misc]
        waiting, self.last_event_id = self.read_state()
        self.is_recording = not waiting or self.record_earlier()

    def record_earlier(self) -> bool:
        """Records what another program has left: a transaction of Rollcall leaves nothing. Returns
        False if that is not possible, because a migration is still to come.
        """
        self.connection.execute("SAVEPOINT outside_changes")
        try:
            self.record_changes(self.last_event_id)
        except DatabaseError:
            self.connection.execute("ROLLBACK TO outside_changes")
            return False
        finally:
            self.connection.execute("RELEASE outside_changes")
        return True

    def _commit(self) -> None:
        if self.is_recording and self.connection is not None and self.connection.in_transaction:
            waiting, _ = self.read_state()
            if waiting:
                self.record_changes(self.last_event_id)
        super()._commit()  # type: ignore[misc]

    def read_state(self) -> tuple[int, int]:
        """Returns the numbers of STATE; zeros before the tables are created."""
        try:
            waiting, newest = self.connection.execute(STATE).fetchone()
        except sqlite3.OperationalError:
            return 0, 0
        return waiting, newest or 0
