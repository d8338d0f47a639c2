"""An account as it was at a moment: today's values, with every change since taken back. The events
say what changed.

Honest about what they do not say: what an import or a seed wrote has no event, and a field without
one may have been anything.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any

from django.db import models
from django.utils import timezone

from users.audit.models import AuditEvent
from users.audit.record import plain
from users.fields import PROFILE, STANDING
from users.models import State, User
from users.permissions import Rights

LOOKED_AT = 1000  # the newest events; further back nobody is told anything
RIGHTS = ("is_staff", "is_superuser", "groups")
FIELDS = (*PROFILE, *(name for name in STANDING if name != "deleted_at"), *RIGHTS)

LABELS = {
    "is_staff": "Staff",
    "is_superuser": "Superuser",
    "groups": "Roles",
    "locale": "Language",
    "status": "Status",
    "status_reason": "Reason for status",
    "valid_until": "End date",
    "email_verified_at": "Email verified",
    "has_second_factor": "Second factor",
}
FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M")


class BadMoment(Exception):
    """What was typed is no moment that has been; the message says why, for the person."""


@dataclass(frozen=True)
class Line:
    """One field: what it was then and is now, and the event that made it so, as far as one is
    recorded.
    """

    name: str
    then: Any
    now: Any
    event: AuditEvent | None
    known: bool = True

    @property
    def label(self) -> str:
        return LABELS.get(self.name, self.name.replace("_", " ").capitalize())

    @property
    def changed(self) -> bool:
        return self.known and self.then != self.now

    @property
    def can_go_back(self) -> bool:
        return self.changed and self.name in PROFILE


@dataclass(frozen=True)
class History:
    at: datetime
    lines: list[Line] = field(default_factory=list)
    begins: AuditEvent | None = None
    """The first event of the account that is known."""
    cut: bool = False
    """Whether the moment lies before the events that are looked at."""
    born: bool = True
    """Whether the account was there."""

    def line(self, name: str) -> Line | None:
        return next((line for line in self.lines if line.name == name), None)


def moment(text: str) -> datetime:
    """The end of a day, or a minute, in UTC; never later than now. Raises BadMoment."""
    now = timezone.now()
    for form in FORMATS:
        try:
            at = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        if at > now:
            raise BadMoment("This date is in the future. Choose today or an earlier date.")
        return at if "T" in text else min(datetime.combine(at, time.max, tzinfo=UTC), now)
    raise BadMoment("Enter a date such as 2026-03-01 or a time such as 2026-03-01T12:30 (UTC).")


def history(account: User, rights: Rights, at: datetime) -> History:
    """The account at `at`, by one query."""
    events = newest(account)
    cut = len(events) > LOOKED_AT and events[-1].at > at
    begins = events[-1] if events and len(events) <= LOOKED_AT else None
    events = [event for event in events if event.action != "denied"]
    born = at >= account.date_joined
    if cut or not born or account.status == State.ERASED:
        return History(at, begins=begins, cut=cut, born=born)
    own = {name: getattr(account, name) for name in FIELDS if name != "groups"}
    now = plain(own | {"groups": [role.name for role in rights.groups]})
    lines = [line_of(name, value, events, at) for name, value in now.items()]
    return History(at, lines, begins=begins)


def newest(account: User) -> list[AuditEvent]:
    """One more than are looked at, where there are so many."""
    found = AuditEvent.objects.newest_of("target_id", account.pk)
    return list(
        found.only("at", "actor_id", "actor_text", "action", "before", "after")[: LOOKED_AT + 1]
    )


def line_of(name: str, now: Any, events: list[AuditEvent], at: datetime) -> Line:
    """`events`: newest first."""
    then = now
    known = True
    for event in events:
        if event.at > at:
            if name in event.before:
                then = event.before[name]
                known = True
            elif name in event.after:
                then = blank(name)
                known = not account_began(event)
        elif name in event.after:
            return Line(name, then, now, event, known)
    return Line(name, then, now, None, known)


def account_began(event: AuditEvent) -> bool:
    """Whether it tells all that the account was born with: before it there was nothing to tell."""
    return event.action in ("account.created", "account.imported", "account.invited")


def blank(name: str) -> Any:
    if name == "groups":
        return []
    column = User._meta.get_field(name)
    return False if isinstance(column, models.BooleanField) else None if column.null else ""
