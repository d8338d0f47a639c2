"""Groups, staff, superuser."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group

from users.exceptions import Conflict, Stale
from users.history.merge import Since, conflict, remember, since
from users.models import User
from users.verbs.transaction import changing, refuse_gone, require_grant, rights


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
    with changing(
        account, "assign_roles", "account.roles_assigned", by=by, version=None
    ) as current:
        refuse_gone(current)
        if version is not None and version != current.version:
            wanted = merge_roles(current, version, wanted)
        require_grant(by, **wanted, target=current)
        current.is_staff = wanted["is_staff"]
        current.is_superuser = wanted["is_superuser"]
        current.groups.set(wanted["groups"])
    return current


def merge_roles(account: User, version: int, wanted: dict[str, Any]) -> dict[str, Any]:
    past = since(account, version)
    now = rights(account)
    typed = wanted | {"groups": sorted(group.name for group in wanted["groups"])}
    if not past.known:
        if unsure := tuple(
            clash for name in typed if (clash := conflict(past, name, typed[name], now[name]))
        ):
            raise Stale(account, version, unsure)
        return wanted
    settled: dict[str, Any] = {"groups": merged_groups(account, past, wanted["groups"])}
    for name in ("is_staff", "is_superuser"):
        settled[name] = now[name] if typed[name] == past.original(name, now[name]) else typed[name]
    if (
        settled["is_superuser"] and not settled["is_staff"]
    ):  # one made a superuser of somebody who is to leave the staff
        raise Stale(
            account,
            version,
            tuple(role_conflict(past, name, typed, now) for name in ("is_staff", "is_superuser")),
            settled,
        )
    remember(account, past)
    return settled


def merged_groups(account: User, past: Since, wanted: list[Group]) -> list[Group]:
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


def role_conflict(past: Since, name: str, typed: dict[str, Any], now: dict[str, Any]) -> Conflict:
    event = past.last(name)
    who = (event.actor_id, event.actor_text, event.at) if event else (None, "", None)
    return Conflict(name, past.original(name, now[name]), typed[name], now[name], True, *who)
