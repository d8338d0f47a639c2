"""The scheduled task of roles."""

from users.staff.roles import expiry


def end_roles() -> int:
    """Removes roles whose time has ended; returns their number."""
    return expiry.remove_ended_roles()
