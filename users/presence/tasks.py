"""The scheduled task that deletes old presence rows."""

from users.presence import heartbeat


def sweep_presence() -> None:
    """Deletes rows that are too old to show."""
    heartbeat.delete_expired()
