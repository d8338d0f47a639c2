"""Compares the database with this release: one that was created by a version before the first
release is refused, and one that a newer release has migrated is recognised.
"""

import shlex
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.db import Error, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

# Only those versions had this migration. Comparing with the files on disk would not work: during a
# deployment, the database may have migrations that the older release does not know.
EARLIER_MIGRATION = ("users", "0002_database_rules")


def earlier_version_refusal(using: str = "default") -> str:
    """Returns a message that refuses a database of an earlier version and says what to do, or "".

    It returns "" too if the database is unavailable, so that the process starts nevertheless.
    """
    connection = connections[using]
    try:
        applied = MigrationRecorder(connection).applied_migrations()
    except Error:
        return ""
    if EARLIER_MIGRATION not in applied:
        return ""
    if is_demo(connection):
        folder = shlex.quote(str(Path(settings.VAR_DIR).resolve()))
        return (
            "This demo database was made by an earlier version and must be recreated. "
            f"Remove its folder and start bin/run again: rm -r {folder} && bin/run"
        )
    return (
        "This database was made by an earlier version and can't be upgraded. "
        "Create an empty database, set DATABASE_URL to it, and run manage.py migrate."
    )


def is_demo(connection: Any) -> bool:
    """Returns whether the database is the file that bin/run creates in VAR_DIR."""
    if connection.vendor != "sqlite":
        return False
    file = Path(connection.settings_dict["NAME"])
    return file.resolve().parent == Path(settings.VAR_DIR).resolve()


def refuse_earlier_version(using: str = "default", **_: object) -> None:
    """Raises CommandError for a database of an earlier version. Also a receiver of pre_migrate."""
    if refusal := earlier_version_refusal(using):
        raise CommandError(refusal)


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """Returns app and name of each migration of this release."""
    names = MigrationLoader(None).disk_migrations or {}
    return frozenset(name for name in names if name[0] == "users")


def newer_release_time(using: str = "default") -> datetime | None:
    """Returns when a newer release last migrated the database, or None.

    Only migrations after the newest one of this release count, so squashed ones do not.
    """
    newest = max(known_migrations())
    applied = MigrationRecorder(connections[using]).applied_migrations()
    times = [row.applied for name, row in applied.items() if name[0] == "users" and name > newest]
    return max(times, default=None)
