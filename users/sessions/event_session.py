"""The session of an audit event, as the page of the event shows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from users import access
from users.audit.models import AuditEvent
from users.models import User
from users.sessions.limits import start_time
from users.sessions.models import Session
from users.sessions.store import valid_session


@dataclass(frozen=True)
class EventSession:
    """The state of a session. Without an account that may own it, nothing is known."""

    has_ended: bool = False
    # When its owner signed in, if it is active.
    started_at: datetime | None = None
    # Where staff see and end the sessions of its owner; "" for viewers who may not.
    url: str = ""


def event_session(event: AuditEvent, viewer: Any) -> EventSession | None:
    """Returns the session in which the actor of an event was signed in; None without one, or if it
    is masked. It reads the sessions, since they end without an event.
    """
    if not isinstance(event.session_id, UUID):
        return None
    account = User.objects.filter(pk=event.actor_id).first()
    if account is None:
        return EventSession()
    row = valid_session(account, event.session_id)
    if row is None or not account.is_active:
        return EventSession(has_ended=True)
    return EventSession(
        started_at=session_start(row),
        url=f"/users/{account.pk}/sign-ins/" if access.may(viewer, "view") else "",
    )


def session_start(row: Session) -> datetime:
    """Returns when the owner of a session signed in: its row is younger if its key was renewed."""
    return start_time(row.get_decoded()) or row.created_at
