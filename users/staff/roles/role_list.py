"""The roles with their permissions in words, their members and their settings."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group, Permission

from users.access_setup import DECLARED_PERMISSIONS
from users.role_grants import Membership, administrator_roles
from users.role_models import RoleSettings
from users.staff.roles.permission_areas import permissions_by_area

COUNT_CAP = 1000


@dataclass(frozen=True)
class RoleEntry:
    """A role for the pages. `members` is at most COUNT_CAP + 1."""

    group: Group
    codenames: frozenset[str]
    members: int
    settings: RoleSettings
    makes_administrators: bool = False

    @property
    def abilities(self) -> list[str]:
        """The permissions in words, in the order of their areas."""
        return ability_texts(self.codenames)


@dataclass(frozen=True)
class MatrixRow:
    """A permission in words, and whether each role has it."""

    label: str
    cells: list[bool] = field(default_factory=list)


@dataclass(frozen=True)
class MatrixArea:
    """The rows of an area of permissions."""

    label: str
    rows: list[MatrixRow]


def declared_label(codename: str) -> str:
    return DECLARED_PERMISSIONS[codename].label.removeprefix("Can ")


def ability_texts(codenames: Any) -> list[str]:
    """Returns what holders can do, such as "erase accounts"; permissions of other apps by name."""
    by_area = permissions_by_area(codenames)
    known = [declared_label(name) for names in by_area.values() for name in names]
    return known + sorted(set(codenames) - DECLARED_PERMISSIONS.keys())


def load_roles() -> list[RoleEntry]:
    """Returns all roles in the order of their IDs, which begins with those that permit least."""
    groups = Group.objects.order_by("pk").select_related("role_settings")
    found = list(groups.prefetch_related("permissions"))
    administrators = {group.pk for group in administrator_roles(found)}
    return [role_entry(group, group.pk in administrators) for group in found]


def role_entry(group: Group, makes_administrators: bool = False) -> RoleEntry:
    return RoleEntry(
        group=group,
        codenames=frozenset(each.codename for each in group.permissions.all()),
        members=count_role_members(group),
        settings=settings_of(group),
        makes_administrators=makes_administrators,
    )


def count_role_members(group: Group) -> int:
    members = Membership.objects.filter(group=group).values_list("pk", flat=True)
    return len(members[: COUNT_CAP + 1])


def settings_of(group: Group) -> RoleSettings:
    """Returns the settings of a role, unsaved ones if it has no row."""
    try:
        return group.role_settings  # type: ignore[attr-defined,no-any-return]
    except RoleSettings.DoesNotExist:
        return RoleSettings(group=group)


def permission_matrix(roles: list[RoleEntry]) -> list[MatrixArea]:
    """Returns the areas with a row for each declared permission."""
    areas = []
    for area, codenames in permissions_by_area(DECLARED_PERMISSIONS).items():
        rows = [matrix_row(codename, roles) for codename in codenames]
        areas.append(MatrixArea(area, rows))
    return areas


def matrix_row(codename: str, roles: list[RoleEntry]) -> MatrixRow:
    label = declared_label(codename)
    cells = [codename in role.codenames for role in roles]
    return MatrixRow(label[:1].upper() + label[1:], cells)


def permissions_named(codenames: Any) -> list[Permission]:
    rows = Permission.objects.filter(
        content_type__app_label="users",
        codename__in=list(codenames),
    )
    return list(rows)
