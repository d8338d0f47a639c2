"""Finds the accounts of a source: by one exact value, or a page in an indexed order."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import F, Q
from scim2_models import InvalidCursorException, InvalidValueException
from scim2_server.storage import SearchPage

from users.models import User, UserQuerySet
from users.scim.accounts import describe_accounts
from users.scim.filters import FilterConditions, unique_condition
from users.scim.scope import SourceAccess
from users.scim.search_limits import count_results, limit_search_time

MAX_INDEX = 10_000
DEFAULT_ORDER = "meta.created"
# The directions of a cursor.
FORWARDS = "n"
BACKWARDS = "p"
TOO_DEEP = (
    f"startIndex can be at most {MAX_INDEX:,}. Page with cursors instead: send an empty"
    " “cursor”, and then the nextCursor of each answer (RFC 9865)."
)


@dataclass(frozen=True)
class SortOrder:
    """An order with an index, whose ties are in the order of IDs."""

    column: str
    expression: Any
    is_moment: bool = False
    descending: bool = False

    def position_value(self, account: User) -> str:
        value: Any = getattr(account, self.column)
        return value.isoformat() if self.is_moment else value

    def read_value(self, text: Any) -> Any:
        """Returns the value of a position. Raises InvalidCursorException."""
        if not self.is_moment:
            return str(text)
        try:
            return datetime.fromisoformat(str(text))
        except ValueError as error:
            raise InvalidCursorException from error


SORT_ORDERS = {
    "meta.created": SortOrder("date_joined", F("date_joined"), is_moment=True),
    "meta.lastmodified": SortOrder("updated_at", F("updated_at"), is_moment=True),
    "username": SortOrder("username", F("username")),
}


def search_accounts(source: SourceAccess, search_request: Any, position: Any) -> SearchPage:
    """Returns a page of the accounts that match the filter. Raises InvalidFilterException,
    TooManyException or InvalidValueException.
    """
    with limit_search_time():
        return find_accounts(source, search_request, position)


def find_accounts(source: SourceAccess, search_request: Any, position: Any) -> SearchPage:
    found: UserQuerySet = source.accounts()
    scim_filter = search_request.filter
    if scim_filter is not None:
        unique = unique_condition(scim_filter.ast)
        if unique is not None:
            return exact_page(source, found.filter(unique), search_request)
        found = found.filter(filter_condition(scim_filter))
    order = sort_order(search_request)
    if search_request.cursor is None:
        return index_page(source, found, search_request, order)
    if search_request.count == 0:
        return SearchPage(None, [])
    if position is None:
        return first_cursor_page(source, found, search_request.count, order)
    return cursor_page(source, found, search_request.count, order, position)


def filter_condition(scim_filter: Any) -> Q:
    return FilterConditions().visit(scim_filter.ast)


def exact_page(source: SourceAccess, found: UserQuerySet, search_request: Any) -> SearchPage:
    """Returns the page of the few accounts that have one value; the filter is compared here."""
    resources = describe_accounts(source, found[:2])
    matching = [each for each in resources if search_request.filter.match(each)]
    return SearchPage(len(matching), matching[page_slice(search_request)])


def page_slice(search_request: Any) -> slice:
    """Returns the place of a page by startIndex. The service always sets “count”."""
    start = search_request.start_index_0 or 0
    count = search_request.count
    return slice(start, None if count is None else start + count)


def sort_order(search_request: Any) -> SortOrder:
    name = str(search_request.sort_by or DEFAULT_ORDER).lower()
    name = name.removeprefix("urn:ietf:params:scim:schemas:core:2.0:user:")
    if name not in SORT_ORDERS:
        detail = "sortBy can be userName, meta.created or meta.lastModified."
        raise InvalidValueException(detail=detail)
    is_descending = search_request.sort_order == search_request.SortOrder.descending
    return replace(SORT_ORDERS[name], descending=is_descending)


def index_page(
    source: SourceAccess, found: UserQuerySet, search_request: Any, order: SortOrder
) -> SearchPage:
    """Returns a page by startIndex. Raises InvalidValueException beyond MAX_INDEX."""
    place = page_slice(search_request)
    if place.start >= MAX_INDEX:
        raise InvalidValueException(detail=TOO_DEEP)
    total = count_results(found)
    rows = ordered_accounts(found, order)[place]
    return SearchPage(total, describe_accounts(source, rows))


def ordered_accounts(found: UserQuerySet, order: SortOrder) -> UserQuerySet:
    if order.descending:
        return found.order_by(order.expression.desc(), F("pk").desc())
    return found.order_by(order.expression.asc(), F("pk").asc())


def first_cursor_page(
    source: SourceAccess, found: UserQuerySet, size: int, order: SortOrder
) -> SearchPage:
    rows = list(ordered_accounts(found, order)[: size + 1])
    page = rows[:size]
    has_next = len(rows) > size
    return SearchPage(
        None,
        describe_accounts(source, page),
        next=edge_position(FORWARDS, page[-1], order) if has_next else None,
    )


def cursor_page(
    source: SourceAccess, found: UserQuerySet, size: int, order: SortOrder, position: Any
) -> SearchPage:
    """Returns the page after a position, or before it. Raises InvalidCursorException."""
    if position.get("s") != source.scope.source:
        raise InvalidCursorException(detail="This cursor belongs to another source.")
    backwards = position.get("d") == BACKWARDS
    scanned = replace(order, descending=order.descending != backwards)
    rows = list(ordered_accounts(beyond_position(found, scanned, position), scanned)[: size + 1])
    has_more = len(rows) > size
    page = rows[:size]
    if backwards:
        page.reverse()
    has_next = bool(page) and (has_more or backwards)
    has_previous = bool(page) and (has_more or not backwards)
    found_page = SearchPage(None, describe_accounts(source, page))
    if has_next:
        found_page.next = edge_position(FORWARDS, page[-1], order)
    if has_previous:
        found_page.previous = edge_position(BACKWARDS, page[0], order)
    return found_page


def beyond_position(
    found: UserQuerySet, order: SortOrder, position: dict[str, Any]
) -> UserQuerySet:
    """Returns the accounts beyond the position in the order's direction."""
    value, pk = order.read_value(position.get("v")), position.get("i")
    if not isinstance(pk, int):
        raise InvalidCursorException
    comparison = "lt" if order.descending else "gt"
    found = found.annotate(sort_value=order.expression)
    beyond = Q(**{f"sort_value__{comparison}": value})
    tied = Q(**{"sort_value": value, f"pk__{comparison}": pk})
    # The first condition is a range of the index.
    return found.filter(Q(**{f"sort_value__{comparison}e": value}), beyond | tied)


def edge_position(direction: str, account: User, order: SortOrder) -> dict[str, Any]:
    value = order.position_value(account)
    return {"d": direction, "v": value, "i": account.pk, "s": account.source}
