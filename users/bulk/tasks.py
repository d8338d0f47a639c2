"""What runs by the clock."""

from users.bulk import undo


def forget_before_images() -> int:
    return undo.forget_old_images()
