"""Scheduled tasks of exports."""

from users.transfer.exports import queries


def remove_old_exports() -> int:
    """Removes expired files and returns their number."""
    return queries.remove_expired_exports()
