"""Failures of the database and of disks: which kind an exception is, and how it is logged."""

import errno
import logging
import sqlite3

from django.db import IntegrityError, InterfaceError, InternalError, OperationalError
from psycopg import Error
from psycopg.errors import DiskFull, QueryCanceled, ReadOnlySqlTransaction

AWAY = "away"
FULL = "full"
SLOW = "slow"
# No room for a temporary file on the disk of this process, which needs no database to be full.
NO_ROOM = "no room"


def failure_kind(error: BaseException | None) -> str:
    """Returns AWAY, FULL (the disk of the database), SLOW (a statement past its time limit) or
    NO_ROOM (the disk of this process); "" for any other exception.
    """
    if isinstance(error, OSError):
        return NO_ROOM if error.errno == errno.ENOSPC else ""
    cause = error and error.__cause__
    # A server that has become a standby, in the middle of a failover, refuses to write.
    if isinstance(error, InternalError) and isinstance(cause, ReadOnlySqlTransaction):
        return AWAY
    if not isinstance(error, (OperationalError, InterfaceError)):
        return ""
    if isinstance(cause, QueryCanceled):
        return SLOW
    return FULL if is_full_database(cause) else AWAY


def is_full_database(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode == sqlite3.SQLITE_FULL
    return isinstance(cause, DiskFull)


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
    return failure_kind(error) in (FULL, NO_ROOM)


class FailureFilter(logging.Filter):
    """Replaces the traceback of a request that failed because of the database or a full disk with
    one line that says why. It would be the same for hundreds of requests.
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
