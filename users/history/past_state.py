"""Reconstructs an account as it was at a moment: today's values, with every later change reversed
by its audit event.

Values that were written without an event stay unknown: a field that no event names may have had any
value.
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

MAX_EVENTS = 1000  # the newest events; nothing before them is reconstructed
HISTORY_FIELDS = (
    *PROFILE_FIELDS,
    *(name for name in STATUS_FIELDS if name != "deleted_at"),
    *ACCESS_FIELDS,
)
MOMENT_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M")


class BadMoment(Exception):
    """A text that is no moment of the past. The message tells the person why."""


@dataclass(frozen=True)
class FieldAtDate:
    """One field: its value then and now, and the event that set the value then, if one is recorded.
    `known`: whether the value then follows from the events.
    """

    name: str
    then: Any
    now: Any
    event: AuditEvent | None
    known: bool = True

    @property
    def label(self) -> str:
        """The label of the field."""
        return field_label(self.name)

    @property
    def changed(self) -> bool:
        """Whether the value is another one now."""
        return self.known and self.then != self.now

    @property
    def can_go_back(self) -> bool:
        """Whether staff may restore the value."""
        return self.changed and self.name in PROFILE_FIELDS


@dataclass(frozen=True)
class History:
    """An account at a moment. `begins`: its first known event. `cut`: the moment lies before the
    newest MAX_EVENTS events. `born`: the account existed. Without lines nothing is known.
    """

    at: datetime
    lines: list[FieldAtDate] = field(default_factory=list)
    begins: AuditEvent | None = None
    cut: bool = False
    born: bool = True

    def line(self, name: str) -> FieldAtDate | None:
        """The line of one field; None if there is none."""
        return next((line for line in self.lines if line.name == name), None)


def parse_moment(text: str) -> datetime:
    """Returns the moment that `text` means, in UTC: the end of a day, or a minute. It is never
    later than now. Raises BadMoment.
    """
    now = timezone.now()
    for form in MOMENT_FORMATS:
        try:
            at = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        if at > now:
            raise BadMoment("This date is in the future. Choose today or an earlier date.")
        if "T" in text:
            return at
        return min(datetime.combine(at, time.max, tzinfo=UTC), now)
    raise BadMoment("Enter a date such as 2026-03-01 or a time such as 2026-03-01T12:30 (UTC).")


def reconstruct_account(account: User, rights: AccountPermissions, at: datetime) -> History:
    """Returns the account as it was at `at`, from one query. `rights`: its access today."""
    events = newest_account_events(account)
    cut = len(events) > MAX_EVENTS and events[-1].at > at
    begins = events[-1] if events and len(events) <= MAX_EVENTS else None
    events = [event for event in events if event.action != "denied"]
    born = at >= account.date_joined
    if cut or not born or account.status == State.ERASED:
        return History(
            at,
            begins=begins,
            cut=cut,
            born=born,
        )
    own = {name: getattr(account, name) for name in HISTORY_FIELDS if name != "groups"}
    now = json_values(own | {"groups": [role.name for role in rights.groups]})
    lines = [field_at_date(name, value, events, at) for name, value in now.items()]
    return History(at, lines, begins=begins)


def newest_account_events(account: User) -> list[AuditEvent]:
    """Returns the account's newest events, at most one more than MAX_EVENTS."""
    newest = AuditEvent.objects.newest_of("target_id", account.pk)
    needed = newest.only("at", "actor_id", "actor_text", "action", "before", "after")
    return list(needed[: MAX_EVENTS + 1])


def field_at_date(name: str, now: Any, events: list[AuditEvent], at: datetime) -> FieldAtDate:
    """Returns one field at `at`, from its value now and the account's events, newest first."""
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
    """Returns True for an event that records all values with which an account was created."""
    return event.action in ("account.created", "account.imported", "account.invited")


def empty_value(name: str) -> Any:
    """Returns the value of a field that was never set, as events record it."""
    if name == "groups":
        return []
    column = User._meta.get_field(name)
    if isinstance(column, models.BooleanField):
        return False
    return None if column.null else ""
