"""The tasks of workers for the directory."""

from django.db import OperationalError

from users.directory import counts


def count_accounts(digest: str) -> None:
    """Counts exactly what somebody asked for. The task may run twice."""
    try:
        counts.count_requested(digest)
    except OperationalError:
        counts.store_count_error(
            digest, f"Counting took more than {counts.COUNT_SECONDS // 60} minutes."
        )
