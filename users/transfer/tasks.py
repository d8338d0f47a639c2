"""Scheduled tasks of exports and imports."""

from users.transfer.exports import file_content, queries, schedules
from users.transfer.imports import storage


def remove_old_exports() -> int:
    """Removes expired files and returns their number."""
    return queries.remove_expired_exports()


def remove_old_imports() -> int:
    """Removes the content of expired uploads and returns their number."""
    return storage.remove_expired_imports()


def finish_exports() -> int:
    """Stores the checksums of finished files, and makes workbooks; returns their number."""
    return file_content.finish_waiting_exports()


def start_scheduled_exports() -> int:
    """Starts the exports that are due and returns their number."""
    return schedules.start_due_exports()
