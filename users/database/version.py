"""Refuses a database that was created by a version before the first release."""

import shlex
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.db import Error, connections
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
