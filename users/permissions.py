"""Loads an account's permissions, those of its roles and its own, in one query.

It serves pages that show them and check many actions.
"""

from dataclasses import dataclass, field

from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet, Value

from users.database.cached_query import CachedQuery
from users.models import User


@dataclass(frozen=True)
class GrantedPermission:
    """A permission that somebody has."""

    # app.codename, as users/access.py uses it.
    name: str
    # The name that people read.
    words: str


@dataclass(frozen=True)
class Role:
    id: int
    name: str
    rights: list[GrantedPermission] = field(default_factory=list)


@dataclass(frozen=True)
class AccountPermissions:
    """The permissions of one account."""

    # In the order of their names.
    groups: list[Role]
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
    """Returns the account's permissions, and stores their names on it.

    `access.stored_permissions` reads them from there without another query.
    """
    groups: dict[int, Role] = {0: Role(0, "")}
    rows = PERMISSION_QUERY.rows(account.pk)
    for pk, group, app, codename, words in sorted(rows, key=lambda row: (row[1], row[4] or "")):
        role = groups.setdefault(pk, Role(pk, group))
        if codename:
            role.rights.append(GrantedPermission(f"{app}.{codename}", words))
    mine = groups.pop(0).rights
    names = {right.name for role in groups.values() for right in role.rights}
    names |= {right.name for right in mine}
    account.known_permissions = names  # type: ignore[attr-defined]
    return AccountPermissions(list(groups.values()), mine)


def permission_sources(rights: AccountPermissions) -> list[tuple[GrantedPermission, list[str]]]:
    """Returns each permission once, sorted, with the names of the roles that grant it.

    The name is "" for the account itself.
    """
    found: dict[GrantedPermission, list[str]] = {}
    for role in (*rights.groups, Role(0, "", rights.own)):
        for right in role.rights:
            found.setdefault(right, []).append(role.name)
    return sorted(found.items(), key=lambda item: (item[0].words, item[0].name))
