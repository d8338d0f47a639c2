"""Scheduled tasks of bulk jobs."""

from users.bulk import undo


def forget_before_images() -> int:
    return undo.forget_old_images()
