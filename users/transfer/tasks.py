"""Scheduled tasks of exports and imports."""

from users.transfer.exports import queries
from users.transfer.imports import storage


def remove_old_exports() -> int:
    """Removes expired files and returns their number."""
    return queries.remove_expired_exports()


def remove_old_imports() -> int:
    """Removes the content of expired uploads and returns their number."""
    return storage.remove_expired_imports()
