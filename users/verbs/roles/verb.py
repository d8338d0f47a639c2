"""Sets the roles and the access level of an account."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group

from users.exceptions import EditConflict, FieldConflict
from users.history.edit_merge import (
    ChangesSince,
    attach_merged_events,
    changes_since,
    find_conflict,
    with_author,
)
from users.models import User
from users.verbs.obstacles import DELETED_OBSTACLES, refuse_obstacle
from users.verbs.roles.approval import request_administrator_roles, request_superuser
from users.verbs.roles.granting import grant_roles
from users.verbs.superuser_notice import notify_administrators
from users.verbs.transaction import (
    access_values,
    change_account,
    clean_reason,
    require_future,
    require_grant,
)

ACCESS_LEVELS = ("is_staff", "is_superuser")


def assign_roles(
    account: User,
    *,
    by: Any,
    groups: Iterable[Group],
    is_staff: bool,
    is_superuser: bool,
    until: datetime | None = None,
    reason: str = "",
    version: int | None = None,
    approved: bool = False,
) -> User:
    """Sets exactly these roles and this access level. A superuser is always staff. `until`: when
    the roles end that the account did not have. `approved`: a second administrator agrees.

    The change is merged with the changes since `version`, each role separately. Raises EditConflict
    if the two contradict each other.
    """
    wanted: dict[str, Any] = {
        "groups": list(groups),
        "is_staff": is_staff or is_superuser,
        "is_superuser": is_superuser,
    }
    event = "account.roles_assigned"
    reason = clean_reason(reason)
    require_future("until", until)
    with change_account(
        account, "assign_roles", event, by=by, version=None, reason=reason
    ) as current:
        refuse_obstacle(current, DELETED_OBSTACLES)
        if version is not None and version != current.version:
            wanted = merge_roles(current, version, wanted)
        require_grant(by, **wanted, target=current)
        if not approved:
            request_administrator_access(current, wanted, by=by, until=until, reason=reason)
        apply_access(current, wanted, by=by, until=until, reason=reason)
    return current


def apply_access(account: User, wanted: dict[str, Any], **grant: Any) -> None:
    """Gives and takes what `wanted` says. The caller saves the account and records the event."""
    was_superuser = account.is_superuser
    account.is_staff = wanted["is_staff"]
    account.is_superuser = wanted["is_superuser"]
    grant_roles(account, wanted["groups"], **grant)
    account.groups.set(wanted["groups"])
    if account.is_superuser and not was_superuser:
        notify_administrators(account)


def request_administrator_access(
    account: User, wanted: dict[str, Any], *, by: Any, **fields: Any
) -> None:
    """Takes out of `wanted` what waits for the approval of a second administrator."""
    requested = request_administrator_roles(account, wanted["groups"], by=by, **fields)
    wanted["groups"] = [group for group in wanted["groups"] if group not in requested]
    if wanted["is_superuser"] and not account.is_superuser:
        waits = request_superuser(account, by=by, reason=fields["reason"])
        wanted["is_superuser"] = not waits


def merge_roles(account: User, version: int, wanted: dict[str, Any]) -> dict[str, Any]:
    """Returns `wanted` merged with the changes since `version`. Raises EditConflict."""
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
    """Raises EditConflict if any value differs, because its author is not known."""
    found = [find_conflict(past, name, typed[name], now[name]) for name in typed]
    conflicts = tuple(conflict for conflict in found if conflict)
    if conflicts:
        raise EditConflict(account, version, conflicts)


def merged_groups(account: User, past: ChangesSince, wanted: list[Group]) -> list[Group]:
    """Returns the current groups with the additions and removals in `wanted` applied.

    Additions and removals are relative to the groups at the version that the user saw.
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
    """Returns the conflict about one access level."""
    conflict = FieldConflict(
        name=name,
        original=past.original(name, now[name]),
        yours=typed[name],
        theirs=now[name],
    )
    return with_author(conflict, past.last(name))
