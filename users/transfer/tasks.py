"""What runs by the clock."""

from users.transfer import reading


def remove_over() -> int:
    return reading.remove_over()
