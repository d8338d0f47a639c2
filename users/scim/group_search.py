"""Finds the roles of a source, which are few: by an exact value, in an order, in pages."""

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower
from scim2_models import (
    InvalidCursorException,
    InvalidFilterException,
    InvalidValueException,
)
from scim2_models.path import CompareOperator, Comparison, LogicalOperator
from scim2_server.storage import SearchPage

from users.role_grants import Membership
from users.scim.filters import attribute_name, parse_resource_id
from users.scim.group_ids import with_external_ids
from users.scim.groups import group_resources, wants_members
from users.scim.scope import SourceAccess
from users.scim.search import page_slice
from users.typed_text import is_storable_text

GROUP_FILTERS = (
    "Filter groups by “displayName eq”, “externalId eq”, “members eq” or “id eq”, joined by “and”."
)
GROUP_ORDERS: dict[str, Any] = {"id": F("pk"), "displayname": Lower("name")}
BAD_ORDER = "sortBy can be displayName or id. Pages by cursor are in the order of IDs."


@dataclass(frozen=True)
class RoleSearch:
    """A search of a source for roles. Raises InvalidFilterException or InvalidValueException."""

    source: SourceAccess
    request: Any

    def matching_roles(self) -> QuerySet[Any]:
        roles = with_external_ids(self.source, self.source.roles())
        if self.request.filter is None:
            return roles
        return roles.filter(role_condition(self.source, self.request.filter.ast))

    def index_page(self) -> SearchPage:
        """Returns a page by startIndex."""
        roles = self.matching_roles()
        found = roles.order_by(role_order(self.request))[page_slice(self.request)]
        return SearchPage(roles.count(), self.describe_roles(found))

    def cursor_page(self, position: Any) -> SearchPage:
        """Returns the page after a position. Raises InvalidCursorException."""
        if self.request.sort_by is not None:
            raise InvalidValueException(detail=BAD_ORDER)
        roles = self.matching_roles()
        total = roles.count()
        if position is not None:
            roles = roles.filter(pk__gt=self.read_position(position))
        size = self.request.count
        found = list(roles.order_by("pk")[: size + 1])
        page = SearchPage(total, self.describe_roles(found[:size]))
        if size and len(found) > size:
            page.next = {"i": found[size - 1].pk, "s": self.source.scope.source}
        return page

    def read_position(self, position: dict[str, Any]) -> int:
        """Returns the ID of the last role before a page. Raises InvalidCursorException."""
        if position.get("s") != self.source.scope.source:
            raise InvalidCursorException(detail="This cursor belongs to another source.")
        pk = position.get("i")
        if not isinstance(pk, int):
            raise InvalidCursorException
        return pk

    def describe_roles(self, roles: Any) -> list[Any]:
        """Returns the roles as groups, without reading members that nobody asks for."""
        with_members = wants_members(self.request)
        return group_resources(self.source, list(roles), with_members=with_members)


def search_roles(source: SourceAccess, search_request: Any, position: Any) -> SearchPage:
    """Returns a page of the roles of a source."""
    search = RoleSearch(source, search_request)
    if search_request.cursor is None:
        return search.index_page()
    return search.cursor_page(position)


def role_order(search_request: Any) -> Any:
    name = str(search_request.sort_by or "id").lower()
    name = name.removeprefix("urn:ietf:params:scim:schemas:core:2.0:group:")
    if name not in GROUP_ORDERS:
        raise InvalidValueException(detail=BAD_ORDER)
    if search_request.sort_order == search_request.SortOrder.descending:
        return GROUP_ORDERS[name].desc()
    return GROUP_ORDERS[name].asc()


def role_condition(source: SourceAccess, node: Any) -> Q:
    """Returns the condition of a filter. Raises InvalidFilterException."""
    if isinstance(node, Comparison) and node.op == CompareOperator.eq:
        return comparison_of_roles(source, attribute_name(node.attr_path), node.value)
    if getattr(node, "op", None) == LogicalOperator.and_:
        return reduce(and_, [role_condition(source, term) for term in node.terms])
    raise InvalidFilterException(detail=GROUP_FILTERS)


def comparison_of_roles(source: SourceAccess, name: str, value: Any) -> Q:
    if not isinstance(value, str):
        raise InvalidFilterException(detail=GROUP_FILTERS)
    if not is_storable_text(value):
        raise InvalidFilterException(detail="A value contains a character that can’t be stored.")
    if name == "displayname":
        return Q(name__iexact=value)
    if name == "externalid":
        # Roles without an ID have an empty one.
        return Q(external_id=value) & ~Q(external_id="")
    if name == "id":
        return Q(pk=parse_resource_id(value))
    if name in ("members", "members.value"):
        account = source.accounts().filter(pk=parse_resource_id(value))
        rows = Membership.objects.filter(user_id__in=account.values("pk"))
        return Q(pk__in=rows.values("group_id"))
    raise InvalidFilterException(detail=GROUP_FILTERS)
