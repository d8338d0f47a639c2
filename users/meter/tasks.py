"""The scheduled task that computes the usual use."""

from users.meter import usual_uses


def update_usual() -> int:
    """Computes once a day what is usual in each role; returns the number of stored rows."""
    return usual_uses.update_usual_uses()
