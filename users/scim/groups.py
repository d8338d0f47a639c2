"""Roles as SCIM groups, of which a source changes the members and its own ID."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Count, Max, QuerySet
from scim2_models import (
    ForbiddenException,
    Meta,
    MutabilityException,
    NotFoundException,
    PreconditionFailedException,
    UniquenessException,
)
from scim2_models import Group as ScimGroup

from users.role_grants import Membership
from users.scim.filters import parse_resource_id
from users.scim.group_ids import (
    external_id_version,
    sent_external_id,
    set_external_id,
    with_external_ids,
)
from users.scim.member_changes import change_members, read_member_ids
from users.scim.member_patch import MemberDelta
from users.scim.scope import SourceAccess

FIXED_NAME = "The name of a role can’t be changed by SCIM."
FIXED_GROUPS = (
    "Roles are created, renamed and deleted in Rollcall. A source can change their members and"
    " externalId, and link a role of the token by sending its name with a new externalId."
)
TAKEN_NAME = "There is already a group with this displayName. Change it instead."


def find_role(source: SourceAccess, resource_id: str) -> Any:
    """Returns a role whose members the source may change, with its external ID. Raises
    NotFoundException.
    """
    roles = with_external_ids(source, source.roles())
    role = roles.filter(pk=parse_resource_id(resource_id)).first()
    if role is None:
        raise NotFoundException(detail="There is no such group for this token.")
    return role


@dataclass(frozen=True)
class RoleMembers:
    """The members of a role that a source sees, with the newest ID of their memberships."""

    count: int = 0
    newest: int = 0
    # Of accounts; only if they were asked for.
    ids: tuple[int, ...] = ()

    def version(self, external_id: str) -> str:
        """Returns a version of the group: a new membership has a new ID."""
        return f'W/"{self.count}-{self.newest}-{external_id_version(external_id)}"'


def source_members(source: SourceAccess, roles: list[Any]) -> QuerySet[Any]:
    """Returns the rows of the roles' members that the source sees."""
    accounts = source.accounts().values("pk")
    return Membership.objects.filter(group__in=roles, user_id__in=accounts)


def count_members(source: SourceAccess, roles: list[Any]) -> dict[int, RoleMembers]:
    """Returns the members by role without their IDs, in one query."""
    rows = source_members(source, roles).values("group_id").order_by("group_id")
    counted = rows.annotate(count=Count("pk"), newest=Max("pk"))
    return {row["group_id"]: RoleMembers(row["count"], row["newest"]) for row in counted}


def read_members(source: SourceAccess, roles: list[Any]) -> dict[int, RoleMembers]:
    """Returns the members by role, in one query."""
    rows = source_members(source, roles).order_by("user_id")
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for role_id, pk, account_id in rows.values_list("group_id", "pk", "user_id"):
        found[role_id].append((pk, account_id))
    members = {}
    for role_id, pairs in found.items():
        pks, accounts = zip(*pairs, strict=True)
        members[role_id] = RoleMembers(len(pairs), max(pks), accounts)
    return members


def group_resources(
    source: SourceAccess, roles: list[Any], *, with_members: bool = True
) -> list[Any]:
    """Returns roles from `with_external_ids` as SCIM groups."""
    read = read_members if with_members else count_members
    members = read(source, roles)
    return [group_resource(role, members.get(role.pk, RoleMembers())) for role in roles]


def describe_group(source: SourceAccess, role: Any, *, with_members: bool = True) -> Any:
    """Returns a role from `with_external_ids` as a SCIM group."""
    (resource,) = group_resources(source, [role], with_members=with_members)
    return resource


def group_resource(role: Any, members: RoleMembers) -> Any:
    values = {
        "id": str(role.pk),
        "displayName": role.name,
        "members": list(map(member_value, members.ids)) or None,
    }
    if role.external_id:
        values["externalId"] = role.external_id
    resource = ScimGroup.model_validate(values)
    version = members.version(role.external_id)
    resource.meta = Meta(resource_type="Group", version=version)
    return resource


def member_value(pk: int) -> dict[str, Any]:
    return {"value": str(pk), "$ref": f"Users/{pk}", "type": "User"}


def wants_members(parameters: Any) -> bool:
    """Returns whether an answer has the members."""
    if parameters is None:
        return True
    asked = [str(path).lower() for path in parameters.attributes or []]
    excluded = [str(path).lower() for path in parameters.excluded_attributes or []]
    # Parts of the members may be left out, such as “members.display”.
    if any(attribute_path(path) == "members" for path in excluded):
        return False
    return not asked or any(is_part_of_members(path) for path in asked)


def is_part_of_members(path: str) -> bool:
    return attribute_path(path).partition(".")[0] == "members"


def attribute_path(path: str) -> str:
    """Returns a path without its schema."""
    return path.rpartition(":")[2]


def update_role(source: SourceAccess, role: Any, resource: Any, version: str | None) -> Any:
    """Gives the role to new members, takes it from others, and sets its external ID. Raises
    MutabilityException for a new name, and InvalidValueException for a member that the source does
    not see.
    """
    role = lock_role(source, role)
    members = read_members(source, [role]).get(role.pk, RoleMembers())
    if version is not None and members.version(role.external_id) != version:
        raise PreconditionFailedException
    if resource.display_name != role.name:
        raise MutabilityException(detail=FIXED_NAME)
    set_external_id(source, role, sent_external_id(resource))
    current = set(members.ids)
    wanted = read_member_ids(sent_members(resource))
    change_members(source, role, added=wanted - current, removed=current - wanted)
    return describe_group(source, role)


def patch_members(
    source: SourceAccess, resource_id: str, delta: MemberDelta, check: Callable[[Any], Any]
) -> Any:
    """Gives the role to some accounts and takes it from others, and returns the group without
    members. `check` raises PreconditionFailedException for a version that is not the wanted one.
    """
    role = lock_role(source, find_role(source, resource_id))
    check(describe_group(source, role, with_members=False))
    change_members(
        source,
        role,
        added=read_member_ids(delta.added),
        removed=set(map(parse_resource_id, delta.removed)),
    )
    return describe_group(source, role, with_members=False)


def link_role(source: SourceAccess, resource: Any) -> Any:
    """Gives its external ID to a role that has none yet, and the role to members. It takes the role
    from nobody. Raises ForbiddenException for any other new group, or UniquenessException.
    """
    role = source.roles().filter(name=resource.display_name).first()
    if role is None:
        raise ForbiddenException(detail=FIXED_GROUPS)
    role = lock_role(source, role)
    external_id = sent_external_id(resource)
    if role.external_id or not external_id:
        raise UniquenessException(detail=TAKEN_NAME)
    set_external_id(source, role, external_id)
    current = read_members(source, [role]).get(role.pk, RoleMembers())
    added = read_member_ids(sent_members(resource)) - set(current.ids)
    change_members(source, role, added=added, removed=set())
    return describe_group(source, role)


def sent_members(resource: Any) -> set[str]:
    return {member.value or "" for member in resource.members or []}


def lock_role(source: SourceAccess, role: Group) -> Any:
    """Returns the role as it is after its row was locked, with its external ID. Raises
    NotFoundException if it has got a permission since. Others may give it to accounts meanwhile:
    they hold these, which this request waits for.
    """
    list(Group.objects.select_for_update(no_key=True).filter(pk=role.pk))
    return find_role(source, str(role.pk))
