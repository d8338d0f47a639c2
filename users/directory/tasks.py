"""What workers do for the directory."""

from django.db import OperationalError

from users.directory import counts


def count_accounts(digest: str) -> None:
    """The exact count that somebody asked for. Repeating it changes nothing."""
    try:
        counts.count_requested(digest)
    except OperationalError:
        counts.store_count_error(
            digest, f"Counting took more than {counts.COUNT_SECONDS // 60} minutes."
        )
