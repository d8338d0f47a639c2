"""Scheduled tasks."""

from users.transfer import export_queries


def remove_old_exports() -> int:
    """Removes the files whose time is up. Returns their number."""
    return export_queries.remove_expired_exports()
