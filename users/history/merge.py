"""A change that was made from an older version, put together with what was changed since.

What changed since is read from the audit events: each version of an account has one. Where one is
missing, nobody can tell what was changed, and then every field that differs is asked about.
"""

from dataclasses import dataclass
from typing import Any

from users.audit.models import AuditEvent
from users.exceptions import Conflict, Stale
from users.models import User

LOOKED_AT = (
    200  # the newest events; an account that is further behind is asked about as if there were none
)


@dataclass(frozen=True)
class Since:
    """The events of the versions after one, oldest first. `known`: whether there is one for each."""

    events: tuple[AuditEvent, ...] = ()
    known: bool = True

    def original(self, name: str, now: Any) -> Any:
        return next((event.before[name] for event in self.events if name in event.before), now)

    def last(self, name: str) -> AuditEvent | None:
        return next((event for event in reversed(self.events) if name in event.after), None)


def since(account: User, version: int) -> Since:
    """What was done to `account`, freshly read, after `version`. A bounded read, however long its
    history is.
    """
    if version == account.version:
        return Since()
    newest = AuditEvent.objects.newest_of("target_id", account.pk)[:LOOKED_AT]
    events = [
        event
        for event in newest
        if event.action != "denied" and version < (event.target_version or 0)
    ]
    versions = {event.target_version for event in events}
    return Since(tuple(reversed(events)), known=len(versions) == account.version - version)


def merged(account: User, version: int | None, typed: dict[str, Any]) -> dict[str, Any]:
    """What is left to change: of `typed`, made from `version`, the fields that are not as they were
    then.

    Raises Stale where one of these was changed to something else meanwhile.
    """
    if version is None or version == account.version:
        return typed
    past = since(account, version)
    now = {name: getattr(account, name) for name in typed}
    conflicts = tuple(
        clash for name, value in typed.items() if (clash := conflict(past, name, value, now[name]))
    )
    mine = {name: value for name, value in typed.items() if value != past.original(name, now[name])}
    if conflicts:
        raise Stale(account, version, conflicts, now | mine)
    remember(account, past)
    return mine


def conflict(past: Since, name: str, typed: Any, now: Any) -> Conflict | None:
    if typed == now:
        return None
    if not past.known:
        return Conflict(name, None, typed, now, known=False)
    original = past.original(name, now)
    event = past.last(name)
    if original in (typed, now):
        return None
    who = (event.actor_id, event.actor_text, event.at) if event else (None, "", None)
    return Conflict(name, original, typed, now, True, *who)


def remember(account: User, past: Since) -> None:
    """For the message: with what the change was merged."""
    account.merged_with = past.events  # type: ignore[attr-defined]


def merged_with(account: User) -> tuple[AuditEvent, ...]:
    """The events that lay between the version a change was made from and the change, on an account
    that a verb returned.
    """
    return getattr(account, "merged_with", ())
