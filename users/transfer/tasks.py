"""Scheduled tasks of exports."""

from users.transfer import export_queries


def remove_old_exports() -> int:
    """Removes expired files and returns their number."""
    return export_queries.remove_expired_exports()
