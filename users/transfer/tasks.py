"""Scheduled tasks of exports."""

from users.transfer.exports import file_content, queries, schedules


def remove_old_exports() -> int:
    """Removes expired files and returns their number."""
    return queries.remove_expired_exports()


def seal_exports() -> int:
    """Stores the checksums of finished files, and makes workbooks; returns their number."""
    return file_content.seal_waiting_exports()


def start_scheduled_exports() -> int:
    """Starts the exports that are due and returns their number."""
    return schedules.start_due_exports()
