"""What the workers do about presence."""

from users.presence import looking


def sweep() -> None:
    looking.sweep()
