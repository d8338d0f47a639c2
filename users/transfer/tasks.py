"""What runs by the clock."""

from users.transfer import export_queries


def remove_old_exports() -> int:
    return export_queries.remove_expired_exports()
