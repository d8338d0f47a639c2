"""The query of one page, with its cached statements."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any

from django.db import connections
from django.db.models import Q

from users.database.clock import current_time
from users.database.prepared_statements import SqlWithParams, inline_values
from users.directory.days import relative_days
from users.directory.filter import Filter
from users.directory.filters import (
    FILTERS,
    assumed_now,
    filters_range,
    index_conditions,
    superset_conditions,
)
from users.directory.query import keyset, limits
from users.directory.query.keyset import OPEN_BOUND
from users.directory.sorts import KeyRange
from users.models import UserQuerySet

# Placeholder for the current time in a cached statement.
NOW_PLACEHOLDER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class PageQuery:
    """Everything that the SQL of one page after a cursor depends on.

    Instances with the same SQL are equal, so they serve as cache keys: building a statement takes
    longer than running most of them. A scan reads the `named` accounts in the same statement.
    """

    wanted: Filter
    accounts: UserQuerySet
    cursor: str
    backwards: bool
    named: UserQuerySet | None = None

    @cached_property
    def key(self) -> tuple:
        """Everything that the text of a statement depends on; relative dates depend on the day."""
        return (
            self.wanted.query,
            self.wanted.size,
            self.wanted.masked,
            bool(self.bound),
            self.backwards,
            self.named is not None,
            relative_days(self.wanted.values),
            limits.current_limits(),
        )

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PageQuery) and self.key == other.key

    def statement(self, build: Callable[..., SqlWithParams], *options: Hashable) -> SqlWithParams:
        """Returns the statement of `build(query, *options)` with the current time and the cursor of
        this query.

        Raises EmptyResultSet.
        """
        sql, params = cached_statement(self, build, *options)
        return sql, tuple(self.bind_param(param) for param in params)

    def bind_param(self, param: Any) -> Any:
        """Returns the value for a placeholder of a cached statement; other params unchanged."""
        adapt = connections[self.accounts.db].ops.adapt_datetimefield_value
        if param in OPEN_BOUND:
            value = self.bound[OPEN_BOUND.index(param)]
            return adapt(value) if isinstance(value, datetime) else value
        return adapt(current_time()) if param == adapt(NOW_PLACEHOLDER) else param

    @property
    def sort_name(self) -> str:
        """The name of the sort without its direction."""
        return self.wanted.sort.removeprefix("-")

    @cached_property
    def bound(self) -> Any:
        """The key and the id after which the page starts; None at an end of the order."""
        return keyset.start_bound(self.wanted.sort, self.cursor, self.backwards, self.key_range)

    @property
    def key_range(self) -> KeyRange:
        """The range of the sort's key to which the filters restrict the list."""
        return filters_range(self.wanted.values, self.sort_name)

    @property
    def after_cursor(self) -> UserQuerySet:
        """The accounts after the cursor in order, restricted by the index condition if any."""
        condition = self.index_condition
        accounts = self.accounts if condition is None else self.accounts.filter(condition)
        bound = OPEN_BOUND if self.bound else None
        return keyset.accounts_from_bound(
            accounts, self.wanted.sort, bound, self.backwards, self.key_range
        )

    @property
    def index_condition(self) -> Q | None:
        """The condition of a filter, or its superset, that has an index in the wanted order."""
        exact = index_conditions(self.wanted.values, self.sort_name)
        return next(iter([*exact, *superset_conditions(self.wanted.values)]), None)

    @property
    def scan_limit(self) -> int:
        """The number of accounts that a scan reads."""
        ranged = {FILTERS[name].key_range(value)[0] for name, value in self.wanted.values.items()}
        if not self.wanted.search and ranged | {self.sort_name} == limits.TIME_SORTS:
            return min(limits.SHORT_SCAN_LIMIT, limits.SCAN_LIMIT)
        return limits.INDEX_SCAN_LIMIT if self.index_decides else limits.SCAN_LIMIT

    @property
    def index_decides(self) -> bool:
        """Whether the index of the superset alone decides what the only filter matches."""
        return (
            len(self.wanted.values) == 1
            and not self.wanted.search
            and bool(superset_conditions(self.wanted.values))
        )

    @property
    def order(self) -> tuple:
        """The ORDER BY of the page."""
        return keyset.order_expressions(self.wanted.sort, self.backwards)


@lru_cache(limits.CACHED_STATEMENTS)
def cached_statement(
    query: PageQuery, build: Callable[..., SqlWithParams], *options: Hashable
) -> SqlWithParams:
    """Returns the statement of `build` with placeholders for the time and the cursor."""
    connection = connections[query.accounts.db]
    now = connection.ops.adapt_datetimefield_value(NOW_PLACEHOLDER)
    token = assumed_now.set(NOW_PLACEHOLDER)
    try:
        statement = build(query, *options)
        return inline_values(
            connection, statement, lambda param: param in OPEN_BOUND or param == now
        )
    finally:
        assumed_now.reset(token)
