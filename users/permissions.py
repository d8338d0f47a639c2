"""Loads an account's permissions, those of its roles and its own, in one query, for pages that show
them and check many actions; and restricts a loaded account to some of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet, Value

from users.database.cached_query import CachedQuery
from users.models import State, User, in_state
from users.role_grants import memberships_in_effect


@dataclass(frozen=True)
class GrantedPermission:
    """A permission that somebody has."""

    # app.codename, as users/access.py uses it.
    name: str
    # The name that people read.
    label: str


@dataclass(frozen=True)
class Role:
    id: int
    name: str
    permissions: list[GrantedPermission] = field(default_factory=list)


@dataclass(frozen=True)
class AccountPermissions:
    """The permissions of one account."""

    # In the order of their names.
    roles: list[Role]
    # Granted to the account directly.
    own: list[GrantedPermission]


def permission_rows(account_id: int) -> QuerySet:
    """Returns rows of group ID, group name, app label, codename and name of a permission.

    The account's own permissions have the group ID 0.
    """
    fields = ("content_type__app_label", "codename", "name")
    group_fields = [f"permissions__{name}" for name in fields]
    groups = Group.objects.filter(user=account_id).order_by()
    own = Permission.objects.filter(user=account_id).order_by()
    own_rows = own.values_list(Value(0), Value(""), *fields)
    return groups.values_list("id", "name", *group_fields).union(own_rows, all=True)


PERMISSION_QUERY = CachedQuery(Group, permission_rows)


def load_permissions(account: User) -> AccountPermissions:
    """Returns the account's permissions, and stores their names and whether it has roles on it.

    `access.stored_permissions` and `has_roles` read them from there without another query.
    Nothing is read for an account whose attribute `has_grants` is False.
    """
    roles: dict[int, Role] = {0: Role(0, "")}
    names = set()
    rows = PERMISSION_QUERY.rows(account.pk) if getattr(account, "has_grants", True) else []
    for pk, group, app, codename, label in sorted(rows, key=lambda row: (row[1], row[4] or "")):
        role = roles.setdefault(pk, Role(pk, group))
        if codename:
            permission = GrantedPermission(f"{app}.{codename}", label)
            role.permissions.append(permission)
            names.add(permission.name)
    account.known_permissions = names  # type: ignore[attr-defined]
    own = roles.pop(0).permissions
    account.known_to_have_roles = bool(roles)  # type: ignore[attr-defined]
    return AccountPermissions(list(roles.values()), own)


def permission_holders(codename: str) -> QuerySet[User]:
    """Returns the active staff who have one of our permissions now, and the superusers, by ID."""
    ours = Permission.objects.filter(content_type__app_label="users", codename=codename)
    roles: Any = Group.permissions.through.objects.filter(permission__in=ours)
    held = memberships_in_effect().filter(group_id__in=roles.values("group_id"))
    own: Any = User.user_permissions.through.objects.filter(permission__in=ours)
    permitted = Q(pk__in=held.values("user_id")) | Q(pk__in=own.values("user_id"))
    found = User.objects.filter(in_state(State.ACTIVE), is_staff=True)
    return found.filter(Q(is_superuser=True) | permitted).order_by("pk")


def has_roles(account: User) -> bool:
    known = vars(account).get("known_to_have_roles")
    return account.groups.exists() if known is None else known


def permission_sources(loaded: AccountPermissions) -> list[tuple[GrantedPermission, list[str]]]:
    """Returns each permission once, sorted, with the names of the roles that grant it.

    The name is "" for the account itself.
    """
    sources: dict[GrantedPermission, list[str]] = {}
    for role in (*loaded.roles, Role(0, "", loaded.own)):
        for permission in role.permissions:
            sources.setdefault(permission, []).append(role.name)
    return sorted(sources.items(), key=lambda item: (item[0].label, item[0].name))


def restrict_permissions(account: Any, permissions: Iterable[str]) -> None:
    """Limits a loaded account, which must not be saved, to those of `permissions` (app.codename)
    that it has. A superuser has all of them, and loses that status.
    """
    given = set(permissions)
    if not account.is_superuser:
        given &= account.get_all_permissions()
    account.is_superuser = False
    account._perm_cache = given
    account.restricted_to = sorted(given)


def restriction_of(account: Any) -> list[str] | None:
    """Returns the permissions to which the account was restricted; None if it was not."""
    return getattr(account, "restricted_to", None)
