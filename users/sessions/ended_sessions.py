"""Tells at sign-in why a session has ended. The row of a session that someone ended stays for a
day, without its owner, and names who ended it and when.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from users.models import User

ENDED_KEY = "ended"
KEPT = timedelta(days=1)


@dataclass(frozen=True)
class EndedSession:
    """Who ended the session and when. `own`: the owner of the account did it."""

    by: str
    at: datetime
    own: bool = False


def ended_data(by: int, *, own: bool) -> dict[str, Any]:
    """Returns the session data of a session that the account with the id `by` ends now."""
    return {ENDED_KEY: {"by": by, "own": own, "at": timezone.now().isoformat()}}


def ended_session(session: Any) -> EndedSession | None:
    """Returns why the session of this request has ended; None for any other session."""
    note = session.get(ENDED_KEY)
    if not note:
        return None
    by = User.objects.filter(pk=note["by"]).first()
    name = by.display_name if by else "an account that no longer exists"
    return EndedSession(name, datetime.fromisoformat(note["at"]), own=note["own"])


def forget_ended_session(session: Any) -> None:
    session.pop(ENDED_KEY, None)
