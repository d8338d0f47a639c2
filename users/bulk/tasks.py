"""Scheduled tasks of bulk jobs."""

from users.bulk import undo


def forget_before_images() -> int:
    """Removes the before-images that are too old for an undo; returns the number of jobs."""
    return undo.forget_old_images()
