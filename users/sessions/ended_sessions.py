"""Tells at sign-in why a session has ended.

The row of a session that someone, a change of the account, or a limit has ended stays for a day
without its owner. It says who or what ended it, and when.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from users.database.clock import current_time
from users.models import User
from users.sessions.limits import limit_cause

ENDED_KEY = "ended"
KEPT = timedelta(days=1)
# Changes of an account that end its sessions, by the audit event. Sessions that end with another
# change, such as an erasure, leave nothing.
CAUSES = {
    "account.suspended": "the account was suspended",
    "account.deleted": "the account was deleted",
    "account.password_changed": "the password of the account was changed",
    "account.second_factor_reset": "the second factor of the account was reset",
    "account.oidc_unlinked": "the link of the account to single sign-on was removed",
    "account.roles_assigned": "the roles of the account were changed",
}


@dataclass(frozen=True)
class EndedSession:
    """Who ended the session, or by which change it ended, and when. `own`: the owner of the account
    ended it.
    """

    by: str
    at: datetime
    own: bool = False
    cause: str = ""


def ended_data(
    by: int, *, own: bool = False, event: str = "", at: datetime | None = None
) -> dict[str, Any]:
    """Returns the session data of a session that ends now, or has ended `at`: the account with the
    id `by` ends it, or else the change of its account, or the limit, with this event.
    """
    ended_at = (at or current_time()).isoformat()
    return {ENDED_KEY: {"by": by, "own": own, "event": event, "at": ended_at}}


def ended_session(session: Any) -> EndedSession | None:
    """Returns why the session of this request has ended; None for any other session."""
    note = session.get(ENDED_KEY)
    if not note:
        return None
    event = note.get("event", "")
    by = User.objects.filter(pk=note["by"]).first()
    return EndedSession(
        by=by.display_name if by else "an account that no longer exists",
        at=datetime.fromisoformat(note["at"]),
        own=note["own"],
        cause=CAUSES.get(event) or limit_cause(event),
    )


def forget_ended_session(session: Any) -> None:
    session.pop(ENDED_KEY, None)
