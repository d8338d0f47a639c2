"""Failures of the database: which kind an exception is, and how the log tells it."""

import errno
import logging
import sqlite3

from django.db import IntegrityError, InterfaceError, InternalError, OperationalError
from psycopg import Error
from psycopg.errors import DiskFull, QueryCanceled, ReadOnlySqlTransaction

AWAY = "away"
FULL = "full"
SLOW = "slow"


def failure_kind(error: BaseException | None) -> str:
    """AWAY, FULL (no room on its disk) or SLOW (a statement past its time limit); "" if it is not a
    failure of the database.
    """
    cause = error and error.__cause__
    # A server that has become a standby, in the middle of a failover, refuses to write.
    if isinstance(error, InternalError) and isinstance(cause, ReadOnlySqlTransaction):
        return AWAY
    if not isinstance(error, (OperationalError, InterfaceError)):
        return ""
    if isinstance(cause, QueryCanceled):
        return SLOW
    if isinstance(cause, DiskFull):
        return FULL
    if isinstance(cause, sqlite3.Error) and cause.sqlite_errorcode == sqlite3.SQLITE_FULL:
        return FULL
    return AWAY


def refused_table(error: BaseException | None) -> str:
    """Returns the table of which a constraint has refused a row; "" if it is not known."""
    if not isinstance(error, IntegrityError):
        return ""
    cause = error.__cause__
    if isinstance(cause, Error):
        return cause.diag.table_name or ""
    # SQLite names it for some constraints: "NOT NULL constraint failed: users_user.email".
    return str(error).rpartition(": ")[2].partition(".")[0]


def is_disk_full(error: BaseException) -> bool:
    """Returns whether there was no room for a row or for a file."""
    has_no_room = isinstance(error, OSError) and error.errno == errno.ENOSPC
    return has_no_room or failure_kind(error) == FULL


class FailureFilter(logging.Filter):
    """Makes the record of a request that the database has failed one line that says why. Its
    traceback would be the same for hundreds of requests.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and failure_kind(error):
            name = type(error.__cause__ or error).__name__
            why = str(error).strip().partition("\n")[0]
            record.msg = f"{record.getMessage()} ({name}: {why})"
            record.args = ()
            record.exc_info = record.exc_text = None
        return True
