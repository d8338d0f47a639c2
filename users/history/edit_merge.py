"""A change that was made from an older version, put together with what was changed since.

What changed since is read from the audit events: each version of an account has one. Where one is
missing, nobody can tell what was changed, and then every field that differs is asked about.
"""

from dataclasses import dataclass
from typing import Any

from users.audit.models import AuditEvent
from users.exceptions import EditConflict, FieldConflict
from users.models import User

MAX_EVENTS = (
    200  # the newest events; an account that is further behind is asked about as if there were none
)


@dataclass(frozen=True)
class ChangesSince:
    """The events of the versions after one, oldest first. `known`: whether there is one for each."""

    events: tuple[AuditEvent, ...] = ()
    known: bool = True

    def original(self, name: str, now: Any) -> Any:
        return next((event.before[name] for event in self.events if name in event.before), now)

    def last(self, name: str) -> AuditEvent | None:
        return next((event for event in reversed(self.events) if name in event.after), None)


def changes_since(account: User, version: int) -> ChangesSince:
    """What was done to `account`, freshly read, after `version`. A bounded read, however long its
    history is.
    """
    if version == account.version:
        return ChangesSince()
    newest = AuditEvent.objects.newest_of("target_id", account.pk)[:MAX_EVENTS]
    events = [
        event
        for event in newest
        if event.action != "denied" and version < (event.target_version or 0)
    ]
    versions = {event.target_version for event in events}
    return ChangesSince(tuple(reversed(events)), known=len(versions) == account.version - version)


def merge_profile(account: User, version: int | None, typed: dict[str, Any]) -> dict[str, Any]:
    """What is left to change: of `typed`, made from `version`, the fields that are not as they were
    then.

    Raises Stale where one of these was changed to something else meanwhile.
    """
    if version is None or version == account.version:
        return typed
    past = changes_since(account, version)
    now = {name: getattr(account, name) for name in typed}
    conflicts = tuple(
        clash
        for name, value in typed.items()
        if (clash := find_conflict(past, name, value, now[name]))
    )
    mine = {name: value for name, value in typed.items() if value != past.original(name, now[name])}
    if conflicts:
        raise EditConflict(account, version, conflicts, now | mine)
    attach_merged_events(account, past)
    return mine


def find_conflict(past: ChangesSince, name: str, typed: Any, now: Any) -> FieldConflict | None:
    if typed == now:
        return None
    if not past.known:
        return FieldConflict(name, None, typed, now, known=False)
    original = past.original(name, now)
    event = past.last(name)
    if original in (typed, now):
        return None
    who = (event.actor_id, event.actor_text, event.at) if event else (None, "", None)
    return FieldConflict(name, original, typed, now, True, *who)


def attach_merged_events(account: User, past: ChangesSince) -> None:
    """For the message: with what the change was merged."""
    account.merged_with = past.events  # type: ignore[attr-defined]


def merged_events(account: User) -> tuple[AuditEvent, ...]:
    """The events that lay between the version a change was made from and the change, on an account
    that a verb returned.
    """
    return getattr(account, "merged_with", ())
