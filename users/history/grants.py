"""Who gave an account what it has, and when: from its events."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from users.audit.models import AuditEvent
from users.models import User
from users.permissions import AccountPermissions

MAX_EVENTS = 1000  # an account's newest events; what was given before stands there without a giver
ACCESS_FIELDS = ("groups", "is_staff", "is_superuser")


@dataclass(frozen=True)
class Grant:
    by: str
    by_id: int | None
    at: datetime


def latest_grants(account: User, rights: AccountPermissions) -> dict[str, Grant]:
    """By name of a group, and for "is_staff" and "is_superuser": the last time that it was given.
    Only what the account has.
    """
    found: dict[str, Grant] = {}
    wanted = {f"group {role.name}" for role in rights.groups}
    wanted |= {name for name in ("is_staff", "is_superuser") if getattr(account, name)}
    for event in grant_events(account) if wanted else ():
        for name in granted_names(event) & wanted - found.keys():
            found[name] = Grant(event.actor_text, event.actor_id, event.at)
    return {name.removeprefix("group "): grant for name, grant in found.items()}


def grant_events(account: User) -> list[AuditEvent]:
    """The changes of rights among the newest events, newest first."""
    newest = AuditEvent.objects.newest_of("target_id", account.pk).values("pk")[:MAX_EVENTS]
    changing = Q(after__has_any_keys=list(ACCESS_FIELDS))
    found = (
        AuditEvent.objects.filter(changing, pk__in=newest).exclude(action="denied").order_by("-id")
    )
    return list(found.only("at", "actor_id", "actor_text", "before", "after"))


def granted_names(event: AuditEvent) -> set[str]:
    """Returns the access that the account had after the event and not before."""
    flags = {
        name
        for name in ACCESS_FIELDS[1:]
        if event.after.get(name) is True and event.before.get(name) is not True
    }
    return flags | {
        f"group {name}" for name in event_group_names(event.after) - event_group_names(event.before)
    }


def event_group_names(values: dict) -> set[str]:
    groups = values.get("groups")
    return set(map(str, groups)) if isinstance(groups, list) else set()
