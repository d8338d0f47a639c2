"""Reconstructs an account as it was at a moment in the past.

It starts from the current values and reverses every later change that an audit event records.
Changes without an event are not known, so a field that no event names may have had any value.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any

from django.db import models
from django.utils import timezone

from users.audit.models import AuditEvent
from users.audit.record import json_values
from users.database.clock import current_time
from users.fields import ACCESS_FIELDS, PROFILE_FIELDS, STATUS_FIELDS, field_label
from users.models import State, User
from users.permissions import AccountPermissions
from users.web.time_zone import zone_label

# Number of newest events that are read. Earlier moments are not reconstructed.
MAX_EVENTS = 1000
EVENT_FIELDS = (
    "at",
    "actor_id",
    "actor_text",
    "action",
    "target_text",
    "before",
    "after",
    "erased_at",
)
HISTORY_FIELDS = (
    *PROFILE_FIELDS,
    *(name for name in STATUS_FIELDS if name != "deleted_at"),
    *ACCESS_FIELDS,
)
# Events with all values with which an account was created.
CREATION_ACTIONS = (
    "account.created",
    "account.imported",
    "account.invited",
    "account.provisioned",
)
MOMENT_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M")


class BadMoment(Exception):
    """A text that is not a moment in the past. The message is shown to the user."""


@dataclass(frozen=True)
class FieldAtDate:
    """One field with its value then and now."""

    name: str
    then: Any
    now: Any
    # The event that set the earlier value, if one is recorded.
    event: AuditEvent | None
    # Whether the events determine the earlier value.
    known: bool = True

    @property
    def label(self) -> str:
        return field_label(self.name)

    @property
    def changed(self) -> bool:
        """Whether the value is different now."""
        return self.known and self.then != self.now

    @property
    def can_be_restored(self) -> bool:
        """Whether staff may restore the value."""
        return self.changed and self.name in PROFILE_FIELDS


@dataclass(frozen=True)
class History:
    """An account at a moment. `lines` is empty if nothing is known about it."""

    at: datetime
    lines: list[FieldAtDate] = field(default_factory=list)
    # The first event of the account, if it is among the newest MAX_EVENTS.
    first_event: AuditEvent | None = None
    # Whether the moment is earlier than the newest MAX_EVENTS events.
    truncated: bool = False
    # Whether the account existed.
    existed: bool = True

    def line(self, name: str) -> FieldAtDate | None:
        """Returns the line of one field; None if there is none."""
        return next((line for line in self.lines if line.name == name), None)


def parse_moment(text: str) -> datetime:
    """Parses a day (whose end is returned) or a minute, in the current zone. Raises BadMoment.

    The result is never later than now.
    """
    now = current_time()
    for form in MOMENT_FORMATS:
        try:
            typed = datetime.strptime(text, form)  # noqa: DTZ007  local time
            at = local_moment(typed).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        if at > now:
            raise BadMoment("This date is in the future. Choose today or an earlier date.")
        if "T" in text:
            return at
        return min(local_moment(datetime.combine(typed, time.max)), now)
    zone = zone_label()
    raise BadMoment(f"Enter a date such as 2026-03-01 or a time such as 2026-03-01T12:30 ({zone}).")


def local_moment(typed: datetime) -> datetime:
    """Returns the time in the current zone: the later one where clocks go back over it, so that all
    changes until then are included.
    """
    return typed.replace(tzinfo=timezone.get_current_timezone(), fold=1)


def reconstruct_account(account: User, permissions: AccountPermissions, at: datetime) -> History:
    """Returns the account as it was at `at`, from one query. `permissions`: its current access."""
    events = newest_account_events(account)
    truncated = len(events) > MAX_EVENTS and events[-1].at > at
    first_event = events[-1] if events and len(events) <= MAX_EVENTS else None
    existed = at >= account.date_joined
    if truncated or not existed or account.status == State.ERASED:
        return History(
            at,
            first_event=first_event,
            truncated=truncated,
            existed=existed,
        )
    own = {name: getattr(account, name) for name in HISTORY_FIELDS if name != "groups"}
    now = json_values(own | {"groups": [role.name for role in permissions.roles]})
    lines = [field_at_date(name, value, events, at) for name, value in now.items()]
    return History(at, lines, first_event=first_event)


def newest_account_events(account: User) -> list[AuditEvent]:
    """Returns the account's newest events without refusals, at most one more than MAX_EVENTS."""
    newest = AuditEvent.objects.history_of(account.pk)
    needed = newest.only(*EVENT_FIELDS)
    return list(needed[: MAX_EVENTS + 1])


def field_at_date(name: str, now: Any, events: list[AuditEvent], at: datetime) -> FieldAtDate:
    """Returns one field at `at`, from its current value and the events, newest first."""
    then = now
    known = True
    for event in events:
        if event.at > at:
            if name in event.before:
                then = event.before[name]
                known = not event.lost_values
            elif name in event.after:
                then = empty_value(name)
                known = not is_creation_event(event)
        elif name in event.after:
            return FieldAtDate(
                name,
                then=then,
                now=now,
                event=event,
                known=known,
            )
    return FieldAtDate(
        name,
        then=then,
        now=now,
        event=None,
        known=known,
    )


def is_creation_event(event: AuditEvent) -> bool:
    """Returns whether the event records all values with which the account was created."""
    return event.action in CREATION_ACTIONS


def empty_value(name: str) -> Any:
    """Returns the value of a field that was never set, as events record it."""
    if name == "groups":
        return []
    column = User._meta.get_field(name)
    if isinstance(column, models.BooleanField):
        return False
    return None if column.null else ""
