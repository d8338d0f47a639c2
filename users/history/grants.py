"""Finds who granted the roles and the access level of an account, and when, from its events."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from users.audit.models import AuditEvent
from users.models import User
from users.permissions import AccountPermissions

# Number of an account's newest events that are read. Earlier grants have no known author.
MAX_EVENTS = 1000
ACCESS_FIELDS = ("groups", "is_staff", "is_superuser")


@dataclass(frozen=True)
class Grant:
    """Who granted a role or an access level, and when."""

    by: str
    by_id: int | None
    at: datetime


def latest_grants(account: User, permissions: AccountPermissions) -> dict[str, Grant]:
    """Returns the latest grant of each role by name, and of "is_staff" and "is_superuser".

    Only roles and access levels that the account has are included.
    """
    found: dict[str, Grant] = {}
    wanted = {f"group {role.name}" for role in permissions.roles}
    wanted |= {name for name in ("is_staff", "is_superuser") if getattr(account, name)}
    for event in grant_events(account) if wanted else ():
        for name in granted_names(event) & wanted - found.keys():
            found[name] = Grant(
                by=event.actor_text,
                by_id=event.actor_id,
                at=event.at,
            )
    return {name.removeprefix("group "): grant for name, grant in found.items()}


def grant_events(account: User) -> list[AuditEvent]:
    """Returns the newest events that changed roles or the access level, newest first."""
    newest = AuditEvent.objects.history_of(account.pk).values("pk")[:MAX_EVENTS]
    changes_access = Q(after__has_any_keys=list(ACCESS_FIELDS))
    events = AuditEvent.objects.filter(changes_access, pk__in=newest)
    needed = events.only("at", "actor_id", "actor_text", "before", "after")
    return list(needed.order_by("-id"))


def granted_names(event: AuditEvent) -> set[str]:
    """Returns the names of the access that the account had after the event and not before."""
    flags = {
        name
        for name in ACCESS_FIELDS[1:]
        if event.after.get(name) is True and event.before.get(name) is not True
    }
    added = event_group_names(event.after) - event_group_names(event.before)
    return flags | {f"group {name}" for name in added}


def event_group_names(values: dict) -> set[str]:
    groups = values.get("groups")
    return set(map(str, groups)) if isinstance(groups, list) else set()
