"""The background task of the directory."""

from django.db import OperationalError

from users.directory import counts


def count_accounts(digest: str) -> None:
    """Counts the accounts of a request exactly. The task may run twice."""
    try:
        counts.count_requested(digest)
    except OperationalError:
        counts.store_count_error(
            digest, f"Counting took more than {counts.COUNT_SECONDS // 60} minutes."
        )
