"""Recent authentication: staff confirm who they are before a sensitive action ("sudo").

Signing in counts, and so does typing the password again on /sudo/. The time is stored in the
session, by the clock of the database. Commands and jobs are not asked.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from users.database.clock import current_time
from users.exceptions import SudoRequired
from users.sessions.viewer_query import role_sudo_minutes

SUDO_KEY = "sudo"
# The actions of users/access.py that ask. Verbs add theirs from their declarations.
SUDO_ACTIONS = {
    "export_hashes",
    "manage_roles",
    "approve_role",
    "manage_links",
    "manage_webhooks",
}


def declare_sudo(action: str) -> None:
    """Registers an action that asks people to confirm who they are."""
    SUDO_ACTIONS.add(action)


def record_authentication(session: Any, method: str) -> None:
    """Stores that the owner of the session has just proved who they are, and how."""
    session[SUDO_KEY] = {"at": current_time().timestamp(), "method": method}


def forget_authentication(session: Any) -> None:
    """Makes the next sensitive action of the session ask."""
    session.pop(SUDO_KEY, None)


def sudo_minutes(account: Any) -> int:
    """Returns for how many minutes a confirmation by this account counts: the shortest time of its
    roles, else the setting.
    """
    return role_sudo_minutes(account) or int(settings.SUDO_MINUTES)


def authenticated_at(session: Any) -> datetime | None:
    """Returns when the owner of the session has last proved who they are; None if never."""
    note = session.get(SUDO_KEY)
    return datetime.fromtimestamp(note["at"], UTC) if note else None


def sudo_until(request: Any) -> datetime | None:
    """Returns until when the last confirmation counts; None if it no longer does."""
    began = authenticated_at(request.session)
    if began is None:
        return None
    until = began + timedelta(minutes=sudo_minutes(request.user))
    return until if until > current_time() else None


def has_sudo(request: Any) -> bool:
    """Returns whether the viewer has confirmed their identity recently."""
    return sudo_until(request) is not None


def require_sudo(request: Any, action: str = "") -> None:
    """Raises SudoRequired unless the viewer has confirmed their identity recently; with an
    action, only if it is one of SUDO_ACTIONS. The caller has checked that the viewer may do it.
    """
    is_sensitive = not action or action in SUDO_ACTIONS
    if is_sensitive and not has_sudo(request):
        raise SudoRequired


def require_sudo_for_bulk(request: Any, number: int, *, always: bool = False) -> None:
    """Raises SudoRequired before a change of more than SUDO_BULK_ABOVE accounts, or with `always`
    of any number.
    """
    if always or number > settings.SUDO_BULK_ABOVE:
        require_sudo(request)


def sudo_required(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Returns a view that requires sudo for each request."""

    @wraps(view)
    def asking(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        require_sudo(request)
        return view(request, *args, **kwargs)

    return asking
