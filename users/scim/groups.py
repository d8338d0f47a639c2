"""Roles as SCIM groups, of which a source changes the members."""

from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Count, Max
from scim2_models import Group as ScimGroup
from scim2_models import (
    InvalidFilterException,
    InvalidValueException,
    Meta,
    MutabilityException,
    NotFoundException,
    PreconditionFailedException,
)
from scim2_models.path import CompareOperator, Comparison
from scim2_server.storage import SearchPage

from users.role_grants import Membership
from users.scim.filters import attribute_name, parse_resource_id
from users.scim.scope import SourceAccess
from users.scim.search import page_slice
from users.verbs.role_addition.verb import add_roles
from users.verbs.role_removal.verb import remove_roles

FIXED_NAME = "The name of a role can’t be changed by SCIM."
GROUP_FILTERS = "Filter groups by “displayName eq” or “id eq”."


def find_role(source: SourceAccess, resource_id: str) -> Group:
    """Returns a role whose members the source may change. Raises NotFoundException."""
    role = source.roles().filter(pk=parse_resource_id(resource_id)).first()
    if role is None:
        raise NotFoundException(detail="There is no such group for this token.")
    return role


def source_members(source: SourceAccess, role: Group) -> Any:
    """Returns the rows of the role's members that the source sees."""
    return Membership.objects.filter(group=role, user_id__in=source.accounts().values("pk"))


def group_resource(source: SourceAccess, role: Group, *, with_members: bool = True) -> Any:
    """Returns the role as a SCIM group."""
    members = None
    if with_members:
        rows = source_members(source, role).order_by("user_id")
        members = list(map(member_value, rows.values_list("user_id", flat=True))) or None
    resource = ScimGroup.model_validate(
        {"id": str(role.pk), "displayName": role.name, "members": members}
    )
    resource.meta = Meta(resource_type="Group", version=group_version(source, role))
    return resource


def member_value(pk: int) -> dict[str, Any]:
    return {"value": str(pk), "$ref": f"Users/{pk}", "type": "User"}


def group_version(source: SourceAccess, role: Group) -> str:
    """Returns a version that changes with the members: a new membership has a new ID."""
    found = source_members(source, role).aggregate(count=Count("pk"), newest=Max("pk"))
    return f'W/"{found["count"]}-{found["newest"] or 0}"'


def search_roles(source: SourceAccess, search_request: Any) -> SearchPage:
    """Returns the page of the roles, which are few, without reading members that nobody asks for.
    Raises InvalidFilterException.
    """
    roles = source.roles().order_by("pk")
    if search_request.filter is not None:
        roles = roles.filter(**role_condition(search_request.filter.ast))
    total = roles.count()
    with_members = wants_members(search_request)
    found = roles[page_slice(search_request)]
    page = [group_resource(source, role, with_members=with_members) for role in found]
    return SearchPage(total, page)


def role_condition(node: Any) -> dict[str, Any]:
    if isinstance(node, Comparison) and node.op == CompareOperator.eq:
        name = attribute_name(node.attr_path)
        if name == "displayname":
            return {"name__iexact": str(node.value)}
        if name == "id":
            return {"pk": parse_resource_id(str(node.value))}
    raise InvalidFilterException(detail=GROUP_FILTERS)


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


def update_role(source: SourceAccess, role: Group, resource: Any, version: str | None) -> Any:
    """Gives the role to new members and takes it from others. Raises MutabilityException for a new
    name, and InvalidValueException for a member that the source does not see.
    """
    role = Group.objects.select_for_update().get(pk=role.pk)
    if version is not None and group_version(source, role) != version:
        raise PreconditionFailedException
    if resource.display_name != role.name:
        raise MutabilityException(detail=FIXED_NAME)
    current = set(source_members(source, role).values_list("user_id", flat=True))
    wanted = {parse_resource_id(member.value or "") for member in resource.members or []}
    change_members(source, role, added=wanted - current, removed=current - wanted)
    return group_resource(source, role)


def change_members(
    source: SourceAccess, role: Group, *, added: set[int], removed: set[int]
) -> None:
    accounts = source.accounts().in_bulk(added | removed)
    if unknown := sorted(added - set(accounts)):
        detail = f"members: there is no user {unknown[0]} in this source."
        raise InvalidValueException(detail=detail)
    reason = f"Sent by {source.scope.source}."
    for pk in sorted(added):
        add_roles(accounts[pk], by=source.viewer, groups=[role], reason=reason)
    for pk in sorted(removed):
        remove_roles(accounts[pk], by=source.viewer, groups=[role], reason=reason)
