"""What workers do for the directory."""

from django.db import OperationalError

from users.directory import counts


def count(digest: str) -> None:
    """The exact count that somebody asked for. Repeating it changes nothing."""
    try:
        counts.count(digest)
    except OperationalError:
        counts.give_up(digest, f"Counting took more than {counts.PATIENCE // 60} minutes.")
