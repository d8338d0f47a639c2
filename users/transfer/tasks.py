"""What runs by the clock."""

from users.transfer import export_queries


def remove_over() -> int:
    return export_queries.remove_over()
