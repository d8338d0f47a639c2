"""What the workers do about presence."""

from users.presence import heartbeat


def sweep_presence() -> None:
    heartbeat.delete_expired()
