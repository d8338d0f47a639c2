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
from users.audit.record import json_values
from users.fields import ACCESS_FIELDS, PROFILE_FIELDS, STATUS_FIELDS, field_label
from users.models import State, User
from users.permissions import AccountPermissions

MAX_EVENTS = 1000  # the newest events; further back nobody is told anything
HISTORY_FIELDS = (
    *PROFILE_FIELDS,
    *(name for name in STATUS_FIELDS if name != "deleted_at"),
    *ACCESS_FIELDS,
)
MOMENT_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M")


class BadMoment(Exception):
    """What was typed is no moment that has been; the message says why, for the person."""


@dataclass(frozen=True)
class FieldAtDate:
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
        return field_label(self.name)

    @property
    def changed(self) -> bool:
        return self.known and self.then != self.now

    @property
    def can_go_back(self) -> bool:
        return self.changed and self.name in PROFILE_FIELDS


@dataclass(frozen=True)
class History:
    at: datetime
    lines: list[FieldAtDate] = field(default_factory=list)
    begins: AuditEvent | None = None
    """The first event of the account that is known."""
    cut: bool = False
    """Whether the moment lies before the events that are looked at."""
    born: bool = True
    """Whether the account was there."""

    def line(self, name: str) -> FieldAtDate | None:
        return next((line for line in self.lines if line.name == name), None)


def parse_moment(text: str) -> datetime:
    """The end of a day, or a minute, in UTC; never later than now. Raises BadMoment."""
    now = timezone.now()
    for form in MOMENT_FORMATS:
        try:
            at = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        if at > now:
            raise BadMoment("This date is in the future. Choose today or an earlier date.")
        return at if "T" in text else min(datetime.combine(at, time.max, tzinfo=UTC), now)
    raise BadMoment("Enter a date such as 2026-03-01 or a time such as 2026-03-01T12:30 (UTC).")


def reconstruct_account(account: User, rights: AccountPermissions, at: datetime) -> History:
    """The account at `at`, by one query."""
    events = newest_account_events(account)
    cut = len(events) > MAX_EVENTS and events[-1].at > at
    begins = events[-1] if events and len(events) <= MAX_EVENTS else None
    events = [event for event in events if event.action != "denied"]
    born = at >= account.date_joined
    if cut or not born or account.status == State.ERASED:
        return History(at, begins=begins, cut=cut, born=born)
    own = {name: getattr(account, name) for name in HISTORY_FIELDS if name != "groups"}
    now = json_values(own | {"groups": [role.name for role in rights.groups]})
    lines = [field_at_date(name, value, events, at) for name, value in now.items()]
    return History(at, lines, begins=begins)


def newest_account_events(account: User) -> list[AuditEvent]:
    """One more than are looked at, where there are so many."""
    found = AuditEvent.objects.newest_of("target_id", account.pk)
    return list(
        found.only("at", "actor_id", "actor_text", "action", "before", "after")[: MAX_EVENTS + 1]
    )


def field_at_date(name: str, now: Any, events: list[AuditEvent], at: datetime) -> FieldAtDate:
    """`events`: newest first."""
    then = now
    known = True
    for event in events:
        if event.at > at:
            if name in event.before:
                then = event.before[name]
                known = True
            elif name in event.after:
                then = empty_value(name)
                known = not is_creation_event(event)
        elif name in event.after:
            return FieldAtDate(name, then, now, event, known)
    return FieldAtDate(name, then, now, None, known)


def is_creation_event(event: AuditEvent) -> bool:
    """Whether it tells all that the account was born with: before it there was nothing to tell."""
    return event.action in ("account.created", "account.imported", "account.invited")


def empty_value(name: str) -> Any:
    if name == "groups":
        return []
    column = User._meta.get_field(name)
    return False if isinstance(column, models.BooleanField) else None if column.null else ""
