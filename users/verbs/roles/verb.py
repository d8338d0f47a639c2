"""Groups, staff, superuser."""

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
from users.verbs.transaction import access_values, change_account, refuse_deleted, require_grant


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

    From an older version: what was added and taken since then stays so too, each group by itself.
    Raises Stale where the two don't go together.
    """
    wanted: dict[str, Any] = {
        "groups": list(groups),
        "is_staff": is_staff or is_superuser,
        "is_superuser": is_superuser,
    }
    with change_account(
        account, "assign_roles", "account.roles_assigned", by=by, version=None
    ) as current:
        refuse_deleted(current)
        if version is not None and version != current.version:
            wanted = merge_roles(current, version, wanted)
        require_grant(by, **wanted, target=current)
        current.is_staff = wanted["is_staff"]
        current.is_superuser = wanted["is_superuser"]
        current.groups.set(wanted["groups"])
    return current


def merge_roles(account: User, version: int, wanted: dict[str, Any]) -> dict[str, Any]:
    past = changes_since(account, version)
    now = access_values(account)
    typed = wanted | {"groups": sorted(group.name for group in wanted["groups"])}
    if not past.known:
        if unsure := tuple(
            clash for name in typed if (clash := find_conflict(past, name, typed[name], now[name]))
        ):
            raise EditConflict(account, version, unsure)
        return wanted
    settled: dict[str, Any] = {"groups": merged_groups(account, past, wanted["groups"])}
    for name in ("is_staff", "is_superuser"):
        settled[name] = now[name] if typed[name] == past.original(name, now[name]) else typed[name]
    if (
        settled["is_superuser"] and not settled["is_staff"]
    ):  # one made a superuser of somebody who is to leave the staff
        raise EditConflict(
            account,
            version,
            tuple(role_conflict(past, name, typed, now) for name in ("is_staff", "is_superuser")),
            settled,
        )
    attach_merged_events(account, past)
    return settled


def merged_groups(account: User, past: ChangesSince, wanted: list[Group]) -> list[Group]:
    """The groups of now, with those that were added to the ones of then, and without those that
    were taken.
    """
    now = set(account.groups.all())
    then = set(past.original("groups", [group.name for group in now]))
    added = {group for group in wanted if group.name not in then}
    taken = then - {group.name for group in wanted}
    return sorted(
        (group for group in now | added if group.name not in taken), key=lambda group: group.pk
    )


def role_conflict(
    past: ChangesSince, name: str, typed: dict[str, Any], now: dict[str, Any]
) -> FieldConflict:
    event = past.last(name)
    who = (event.actor_id, event.actor_text, event.at) if event else (None, "", None)
    return FieldConflict(name, past.original(name, now[name]), typed[name], now[name], True, *who)
