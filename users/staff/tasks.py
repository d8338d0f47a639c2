"""The scheduled tasks of roles and access reviews."""

from users.staff.reviews import item_decisions
from users.staff.roles import expiry


def end_roles() -> int:
    """Removes roles whose time has ended; returns their number."""
    return expiry.remove_ended_roles()


def end_reviews() -> int:
    """Ends access reviews whose time is up; returns their number."""
    return item_decisions.end_due_reviews()
