"""What runs by the clock."""

from users.bulk import undo


def forget() -> int:
    return undo.forget()
