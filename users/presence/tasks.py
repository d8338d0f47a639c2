"""What the workers do about presence."""

from users.presence import heartbeat


def sweep() -> None:
    heartbeat.sweep()
