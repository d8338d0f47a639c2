"""Sets the roles and the access level of an account."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group

from users.exceptions import EditConflict, FieldConflict
from users.history.edit_merge import (
    ChangesSince,
    attach_merged_events,
    changes_since,
    find_conflict,
)
from users.models import User
from users.sessions.store import renew_session_keys
from users.verbs.transaction import access_values, change_account, refuse_deleted, require_grant

ACCESS_LEVELS = ("is_staff", "is_superuser")


def assign_roles(
    account: User,
    *,
    by: Any,
    groups: Iterable[Group],
    is_staff: bool,
    is_superuser: bool,
    version: int | None = None,
) -> User:
    """Exactly these roles, staff or not, superuser or not. A superuser is always staff.

    Made from an older version, it merges with what was changed since: each role by itself. Raises
    EditConflict where the two changes contradict each other.
    """
    wanted: dict[str, Any] = {
        "groups": list(groups),
        "is_staff": is_staff or is_superuser,
        "is_superuser": is_superuser,
    }
    action = "assign_roles"
    event = "account.roles_assigned"
    with change_account(account, action, event, by=by, version=None) as current:
        refuse_deleted(current)
        if version is not None and version != current.version:
            wanted = merge_roles(current, version, wanted)
        require_grant(by, **wanted, target=current)
        renew_session_keys([current.pk])
        current.is_staff = wanted["is_staff"]
        current.is_superuser = wanted["is_superuser"]
        current.groups.set(wanted["groups"])
    return current


def merge_roles(account: User, version: int, wanted: dict[str, Any]) -> dict[str, Any]:
    """Returns `wanted`, merged with what was changed since `version`. Raises EditConflict."""
    past = changes_since(account, version)
    now = access_values(account)
    typed = wanted | {"groups": sorted(group.name for group in wanted["groups"])}
    if not past.known:
        refuse_unknown_past(account, version, past, typed, now)
        return wanted
    settled: dict[str, Any] = {"groups": merged_groups(account, past, wanted["groups"])}
    for name in ACCESS_LEVELS:
        is_unchanged = typed[name] == past.original(name, now[name])
        settled[name] = now[name] if is_unchanged else typed[name]
    if settled["is_superuser"] and not settled["is_staff"]:
        # One person made it a superuser, and another removed it from the staff.
        conflicts = tuple(role_conflict(past, name, typed, now) for name in ACCESS_LEVELS)
        raise EditConflict(account, version, conflicts, settled)
    attach_merged_events(account, past)
    return settled


def refuse_unknown_past(
    account: User, version: int, past: ChangesSince, typed: dict[str, Any], now: dict[str, Any]
) -> None:
    """Raises EditConflict if anything differs: who changed it since cannot be found out."""
    found = [find_conflict(past, name, typed[name], now[name]) for name in typed]
    conflicts = tuple(conflict for conflict in found if conflict)
    if conflicts:
        raise EditConflict(account, version, conflicts)


def merged_groups(account: User, past: ChangesSince, wanted: list[Group]) -> list[Group]:
    """The current groups, with those that were added to the former ones and without those that
    were removed from them.
    """
    now = set(account.groups.all())
    then = set(past.original("groups", [group.name for group in now]))
    added = {group for group in wanted if group.name not in then}
    removed = then - {group.name for group in wanted}
    kept = [group for group in now | added if group.name not in removed]
    return sorted(kept, key=lambda group: group.pk)


def role_conflict(
    past: ChangesSince, name: str, typed: dict[str, Any], now: dict[str, Any]
) -> FieldConflict:
    event = past.last(name)
    who = (event.actor_id, event.actor_text, event.at) if event else (None, "", None)
    return FieldConflict(name, past.original(name, now[name]), typed[name], now[name], True, *who)
