"""Translates SCIM filters of users into conditions that an index serves."""

from datetime import UTC, datetime
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Q
from scim2_models import InvalidFilterException, TooManyException
from scim2_models.path import CompareOperator, Comparison, FilterVisitor, LogicalOperator

from users.email_addresses import email_key
from users.identifiers import normalise_search_text
from users.models import State, in_state
from users.typed_text import is_storable_text
from users.web.query_string import is_id_text

MIN_PART = 3
RANGE_LOOKUPS = {
    CompareOperator.eq: "exact",
    CompareOperator.gt: "gt",
    CompareOperator.ge: "gte",
    CompareOperator.lt: "lt",
    CompareOperator.le: "lte",
}
# Columns by the attribute in small letters. A filter may name the value of a list or the list.
TEXT_COLUMNS = {
    "username": "username",
    "externalid": "source_id",
    "emails": "email",
    "emails.value": "email",
    "name.givenname": "first_name",
    "name.familyname": "last_name",
}
TIME_COLUMNS = {"meta.created": "date_joined", "meta.lastmodified": "updated_at"}
# Attributes that each account has.
REQUIRED_ATTRIBUTES = {"id", "username", "active", "meta.created", "meta.lastmodified"}
# Columns whose equal values an index finds.
EXACT_COLUMNS = {"username", "source_id", "email"}
# Columns that the search covers.
SEARCHED_COLUMNS = {"username", "email", "first_name", "last_name"}
PART_LOOKUPS = {
    CompareOperator.co: "icontains",
    CompareOperator.sw: "istartswith",
    CompareOperator.ew: "iendswith",
    CompareOperator.eq: "iexact",
}
SERVED = (
    "Filters may use id, userName, externalId, emails.value, name.givenName, name.familyName,"
    " active, meta.created and meta.lastModified, joined by and, or and not."
)
TOO_SHORT = f"Parts of a value need at least {MIN_PART} characters."
MISSING_VALUE = "Accounts without a value are found only together with one exact value."


def attribute_name(path: Any) -> str:
    """Returns the attribute of a filter in small letters, such as "emails.value"."""
    parts = (path.attr, path.sub_attr)
    return ".".join(filter(None, parts)).lower()


class FilterConditions(FilterVisitor[Q]):
    """Returns the condition of each node. Raises TooManyException if no index serves it, and
    InvalidFilterException for an invalid value.
    """

    def __init__(self) -> None:
        # Whether the node is inside of an odd number of “not”.
        self.is_negated = False

    def visit_logical_expr(self, node: Any) -> Q:
        conditions = [self.visit(term) for term in node.terms]
        join = and_ if node.op == LogicalOperator.and_ else or_
        return reduce(join, conditions)

    def visit_not(self, node: Any) -> Q:
        self.is_negated = not self.is_negated
        condition = self.visit(node.expr)
        self.is_negated = not self.is_negated
        return ~condition

    def visit_present(self, node: Any) -> Q:
        name = attribute_name(node.attr_path)
        if name in REQUIRED_ATTRIBUTES:
            return Q(pk__gt=0)
        if name not in TEXT_COLUMNS:
            raise TooManyException(detail=f"No index serves the filter “{name} pr”. {SERVED}")
        if self.is_negated:
            # Indexes leave empty values out, so finding few of them reads all accounts.
            raise TooManyException(detail=MISSING_VALUE)
        return ~Q(**{TEXT_COLUMNS[name]: ""})

    def visit_value_path(self, node: Any) -> Q:
        detail = f"“{node.attr_path}[…]” is only served together with one exact value. {SERVED}"
        raise TooManyException(detail=detail)

    def visit_comparison(self, node: Comparison) -> Q:
        name = attribute_name(node.attr_path)
        if node.op == CompareOperator.ne:
            equal = Comparison(node.attr_path, CompareOperator.eq, node.value)
            return ~self.visit_comparison(equal)
        if name == "id" and node.op == CompareOperator.eq:
            return Q(pk=parse_resource_id(str(node.value)))
        if name == "active" and node.op == CompareOperator.eq:
            active = in_state(State.ACTIVE) | in_state(State.INVITED)
            return active if node.value is True else ~active
        if name in TIME_COLUMNS and node.op in RANGE_LOOKUPS:
            lookup = f"{TIME_COLUMNS[name]}__{RANGE_LOOKUPS[node.op]}"
            return Q(**{lookup: parse_filter_time(node.value)})
        if name in TEXT_COLUMNS and isinstance(node.value, str):
            return comparison_condition(TEXT_COLUMNS[name], node.op, node.value)
        detail = f"No index serves the filter “{name} {node.op.value}”. {SERVED}"
        raise TooManyException(detail=detail)


def comparison_condition(column: str, operator: CompareOperator, value: str) -> Q:
    """Returns the condition of a comparison of text."""
    if not is_storable_text(value):
        raise InvalidFilterException(detail="A value contains a character that can’t be stored.")
    if operator == CompareOperator.eq and column in EXACT_COLUMNS:
        return exact_condition(column, value)
    if column not in SEARCHED_COLUMNS or operator not in PART_LOOKUPS:
        detail = f"No index serves “{operator.value}” for this attribute. {SERVED}"
        raise TooManyException(detail=detail)
    key = normalise_search_text(value)
    if len(key) < MIN_PART:
        raise TooManyException(detail=TOO_SHORT)
    exact = Q(**{f"{column}__{PART_LOOKUPS[operator]}": value})
    # The trigram index of the search finds the candidates.
    return Q(search_key__contains=key) & exact


def exact_condition(column: str, value: str) -> Q:
    if column == "email":
        return Q(email__lower=email_key(value))
    if column == "username":
        return Q(username__lower=value.lower())
    return Q(**{column: value})


def parse_resource_id(text: str) -> int:
    """Returns the ID in a resource's ID; 0, which no account has, for any other text."""
    return int(text) if is_id_text(text) else 0


def parse_filter_time(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        detail = "Compare with a point in time such as 2026-05-31T12:00:00Z."
        raise InvalidFilterException(detail=detail) from error
    if moment.tzinfo is None:
        raise InvalidFilterException(detail="A point in time needs its offset, such as Z.")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        detail = "This time is out of range."
        raise InvalidFilterException(detail=detail) from error


def unique_condition(node: Any) -> Q | None:
    """Returns the condition of a part of the filter that at most one account of a source can
    match, if all of its matches have it. The rest of such a filter is compared in memory.
    """
    if isinstance(node, Comparison) and node.op == CompareOperator.eq:
        name = attribute_name(node.attr_path)
        if name == "id":
            return Q(pk=parse_resource_id(str(node.value)))
        column = TEXT_COLUMNS.get(name, "")
        is_text = isinstance(node.value, str) and is_storable_text(node.value)
        if column in EXACT_COLUMNS and is_text:
            return exact_condition(column, node.value)
    if getattr(node, "op", None) == LogicalOperator.and_:
        found = map(unique_condition, node.terms)
        return next(filter(None, found), None)
    val_filter = getattr(node, "val_filter", None)
    if val_filter is not None and node.attr_path.attr.lower() == "emails":
        return value_path_condition(val_filter)
    return None


def value_path_condition(node: Any) -> Q | None:
    """Returns the condition of the address in “emails[type eq "work" and value eq "…"]”."""
    is_equality = isinstance(node, Comparison) and node.op == CompareOperator.eq
    if is_equality and attribute_name(node.attr_path) == "value":
        return comparison_condition("email", CompareOperator.eq, str(node.value))
    if getattr(node, "op", None) == LogicalOperator.and_:
        found = map(value_path_condition, node.terms)
        return next(filter(None, found), None)
    return None
