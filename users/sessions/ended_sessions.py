"""Tells at sign-in why a session has ended.

The row of a session that someone, or a change of the account, has ended stays for a day without its
owner. It says who or what ended it, and when.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from users.database.clock import current_time
from users.models import User

ENDED_KEY = "ended"
KEPT = timedelta(days=1)
# Changes of an account that end its sessions, by the audit event. Sessions that end with another
# change, such as an erasure, leave nothing.
CAUSES = {
    "account.suspended": "the account was suspended",
    "account.deleted": "the account was deleted",
    "account.password_changed": "the password of the account was changed",
    "account.second_factor_reset": "the second factor of the account was reset",
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


def ended_data(by: int, *, own: bool = False, event: str = "") -> dict[str, Any]:
    """Returns the session data of a session that ends now: the account with the id `by` ends it, or
    else the change of its account with this event.
    """
    at = current_time().isoformat()
    return {ENDED_KEY: {"by": by, "own": own, "event": event, "at": at}}


def ended_session(session: Any) -> EndedSession | None:
    """Returns why the session of this request has ended; None for any other session."""
    note = session.get(ENDED_KEY)
    if not note:
        return None
    by = User.objects.filter(pk=note["by"]).first()
    return EndedSession(
        by=by.display_name if by else "an account that no longer exists",
        at=datetime.fromisoformat(note["at"]),
        own=note["own"],
        cause=CAUSES.get(note.get("event", ""), ""),
    )


def forget_ended_session(session: Any) -> None:
    session.pop(ENDED_KEY, None)
