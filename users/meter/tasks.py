"""The scheduled task that computes the usual use."""

from users.meter import usual_uses


def update_usual() -> int:
    """Computes the usual use in each role once a day. Returns the number of stored rows."""
    return usual_uses.update_usual_uses()
