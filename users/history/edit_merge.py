"""Merges an edit of an older version of an account with the changes that were made since.

These changes are read from the audit events, one per version. If an event is missing, the changes
are unknown, and every field that differs is a conflict.
"""

from dataclasses import dataclass, replace
from typing import Any

from users.audit.models import AuditEvent
from users.exceptions import EditConflict, FieldConflict
from users.models import User

# Number of newest events that are read. The changes since an older version are unknown.
MAX_EVENTS = 200


@dataclass(frozen=True)
class ChangesSince:
    """The events since a version, oldest first. `known`: whether no version lacks its event."""

    events: tuple[AuditEvent, ...] = ()
    known: bool = True

    def original(self, name: str, now: Any) -> Any:
        """Returns the value of a field before the events; `now` if they did not change it."""
        return next((event.before[name] for event in self.events if name in event.before), now)

    def last(self, name: str) -> AuditEvent | None:
        """Returns the latest event that changed a field; None if none did."""
        return next((event for event in reversed(self.events) if name in event.after), None)


def changes_since(account: User, version: int) -> ChangesSince:
    """Returns the changes of `account`, freshly read, since `version`."""
    if version == account.version:
        return ChangesSince()
    newest = AuditEvent.objects.history_of(account.pk)[:MAX_EVENTS]
    events = [event for event in newest if version < (event.target_version or 0)]
    versions = {event.target_version for event in events}
    return ChangesSince(tuple(reversed(events)), known=len(versions) == account.version - version)


def merge_profile(account: User, version: int | None, typed: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of `typed` that differ from the account at `version`, which the user saw.

    Raises EditConflict if someone else has changed one of these fields to another value since.
    """
    if version is None or version == account.version:
        return typed
    past = changes_since(account, version)
    now = {name: getattr(account, name) for name in typed}
    found = [find_conflict(past, name, value, now[name]) for name, value in typed.items()]
    conflicts = tuple(filter(None, found))
    mine = {name: value for name, value in typed.items() if value != past.original(name, now[name])}
    if conflicts:
        raise EditConflict(account, version, conflicts, now | mine)
    attach_merged_events(account, past)
    return mine


def find_conflict(past: ChangesSince, name: str, typed: Any, now: Any) -> FieldConflict | None:
    """Returns the conflict between a typed value and the current one; None if there is none."""
    if typed == now:
        return None
    if not past.known:
        return FieldConflict(
            name,
            original=None,
            yours=typed,
            theirs=now,
            known=False,
        )
    original = past.original(name, now)
    event = past.last(name)
    if original in (typed, now):
        return None
    conflict = FieldConflict(
        name=name,
        original=original,
        yours=typed,
        theirs=now,
    )
    return with_author(conflict, event)


def with_author(conflict: FieldConflict, event: AuditEvent | None) -> FieldConflict:
    """Returns the conflict with the author and the time of `event`, if there is one."""
    if event is None:
        return conflict
    return replace(
        conflict,
        actor_id=event.actor_id,
        actor_text=event.actor_text,
        at=event.at,
    )


def attach_merged_events(account: User, past: ChangesSince) -> None:
    """Stores the events that an edit was merged with on the account, for the success message."""
    account.merged_with = past.events  # type: ignore[attr-defined]


def merged_events(account: User) -> tuple[AuditEvent, ...]:
    """Returns the events that an edit was merged with, from the account that the verb returned."""
    return getattr(account, "merged_with", ())
