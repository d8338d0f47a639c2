"""Loads an account's permissions, from its roles and its own, in one query: for pages that show
them and check many actions.
"""

from dataclasses import dataclass, field

from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet, Value

from users.database.cached_query import CachedQuery
from users.models import User


@dataclass(frozen=True)
class GrantedPermission:
    """`name`: app.codename, as the gate has it. `words`: as people read it."""

    name: str
    words: str


@dataclass(frozen=True)
class Role:
    id: int
    name: str
    rights: list[GrantedPermission] = field(default_factory=list)


@dataclass(frozen=True)
class AccountPermissions:
    """By group, in the order of their names; and what the account has apart from them."""

    groups: list[Role]
    own: list[GrantedPermission]


def permission_rows(account_id: int) -> QuerySet:
    """By group: its id and name, and a permission of it. By id 0, what the account has apart from
    them.
    """
    fields = ("content_type__app_label", "codename", "name")
    through = Group.objects.filter(user=account_id).order_by()
    own = (
        Permission.objects.filter(user=account_id)
        .order_by()
        .values_list(Value(0), Value(""), *fields)
    )
    return through.values_list("id", "name", *(f"permissions__{name}" for name in fields)).union(
        own, all=True
    )


PERMISSION_QUERY = CachedQuery(Group, permission_rows)


def load_permissions(account: User) -> AccountPermissions:
    """Also left on the account, where the gate finds it and asks the database no more."""
    groups: dict[int, Role] = {0: Role(0, "")}
    for pk, group, app, codename, words in sorted(
        PERMISSION_QUERY.rows(account.pk), key=lambda row: (row[1], row[4] or "")
    ):
        role = groups.setdefault(pk, Role(pk, group))
        if codename:
            role.rights.append(GrantedPermission(f"{app}.{codename}", words))
    mine = groups.pop(0).rights
    names = {right.name for role in groups.values() for right in role.rights}
    names |= {right.name for right in mine}
    account.known_permissions = names  # type: ignore[attr-defined]
    return AccountPermissions(list(groups.values()), mine)


def permission_sources(rights: AccountPermissions) -> list[tuple[GrantedPermission, list[str]]]:
    """Each right once, in the order of its words, with the names of the roles that give it; "" for
    the account itself.
    """
    found: dict[GrantedPermission, list[str]] = {}
    for role in (*rights.groups, Role(0, "", rights.own)):
        for right in role.rights:
            found.setdefault(right, []).append(role.name)
    return sorted(found.items(), key=lambda item: (item[0].words, item[0].name))
