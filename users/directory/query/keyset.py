"""Keyset paging: a page is an index range that begins after a cursor, whatever its number.

A page costs one query for size + 1 rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, BooleanField, F, Func, Value
from django.db.models.expressions import Combinable
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from users.directory.query.account_reader import load_accounts
from users.directory.query.cursors import LAST_PAGE, account_cursor, parse_cursor
from users.directory.sorts import FULL_RANGE, SORTS, KeyRange
from users.models import User, UserQuerySet

# Placeholders for the key and the id of the cursor, in a statement that serves all cursors.
OPEN_BOUND = (object(), object())
FetchRows = Callable[[str, bool], list[User]]


class OpenParameter(Value):
    """A bind parameter left open at compile time and supplied at execution."""

    def as_sql(self, compiler, connection):
        return "%s", [self.value]


class KeysetCondition(Func):
    """A comparison of row values: (key, id) > (value, id).

    The planner reads it as one index range. Conditions joined by OR would be two.
    """

    output_field = BooleanField()
    conditional = True

    def __init__(self, key: Combinable, bound: tuple[Any, int], operator: str):
        parameter = OpenParameter if bound == OPEN_BOUND else Value
        value, pk = bound
        # Without a type, an id above 2**31 would be sent as an integer of 32 bits.
        bound_pk = parameter(pk, output_field=BigIntegerField())
        super().__init__(key, F("pk"), parameter(value), bound_pk)
        self.operator = operator

    def as_sql(self, compiler, connection, **context):  # type: ignore[override]
        parts = [compiler.compile(expression) for expression in self.source_expressions]
        key, pk, value, bound_pk = [sql for sql, _ in parts]
        params = [param for _, values in parts for param in values]
        return f"({key}, {pk}) {self.operator} ({value}, {bound_pk})", params

    def as_sqlite(self, compiler, connection, **context):
        """Adds a bound on the key alone, because SQLite uses no expression index for row values.

        It then skips accounts with the same key and a smaller id one by one, at 0.1 µs each.
        """
        rows, params = self.as_sql(compiler, connection, **context)
        key, _, value, _ = self.source_expressions
        key_sql, key_params = compiler.compile(key)
        value_sql, value_params = compiler.compile(value)
        sql = f"({key_sql} {self.operator}= {value_sql} AND {rows})"
        return sql, [*key_params, *value_params, *params]


@dataclass(frozen=True)
class AccountPage:
    """Accounts in order, with the cursors of the adjacent pages; "" if there is none."""

    accounts: list[User]
    next: str = ""
    previous: str = ""


def fetch_page(
    accounts: UserQuerySet,
    sort: str,
    size: int,
    *,
    after: str = "",
    before: str = "",
    key_range: KeyRange = FULL_RANGE,
) -> AccountPage:
    """Returns the page after `after` or before `before`; the first page without either.

    `before` may be LAST_PAGE. Raises BadCursor.
    """

    def fetch_rows(cursor: str, backwards: bool) -> list[User]:
        return load_accounts(
            accounts_after(accounts, sort, cursor, backwards, key_range)[: size + 1]
        )

    return fetch_page_with(fetch_rows, sort, size, after=after, before=before)


def fetch_page_with(
    fetch_rows: FetchRows, sort: str, size: int, *, after: str = "", before: str = ""
) -> AccountPage:
    """Builds the page from `fetch_rows(cursor, backwards)`.

    `fetch_rows` returns at most size + 1 rows after the cursor. An empty cursor means the first
    page, or the last one if `backwards`.
    """
    cursor = "" if before == LAST_PAGE else before or after
    rows = fetch_rows(cursor, bool(before))
    if before and cursor and len(rows) <= size:
        # Fewer accounts than a page precede the cursor, so this is the first page.
        return fetch_page_with(fetch_rows, sort, size)
    if after and not rows:
        # No accounts are left after the cursor.
        return fetch_page_with(fetch_rows, sort, size, before=LAST_PAGE)
    return make_page(rows, sort, size, after=after, before=before)


def make_page(rows: list[User], sort: str, size: int, *, after: str, before: str) -> AccountPage:
    """Returns the page of at most size + 1 `rows`, which are in reverse order if `before`."""
    more = len(rows) > size
    shown = rows[:size]
    if before:
        shown.reverse()
    has_next = before != LAST_PAGE if before else more
    has_previous = more if before else bool(after)
    next_cursor = account_cursor(sort, shown[-1]) if shown and has_next else ""
    previous_cursor = account_cursor(sort, shown[0]) if shown and has_previous else ""
    return AccountPage(shown, next=next_cursor, previous=previous_cursor)


def accounts_after(
    accounts: UserQuerySet,
    sort: str,
    cursor: str,
    backwards: bool,
    key_range: KeyRange = FULL_RANGE,
) -> UserQuerySet:
    """Returns the accounts after the cursor in order; if `backwards`, those before it in reverse.

    An empty cursor means the beginning, or the end if `backwards`.
    """
    bound = start_bound(sort, cursor, backwards, key_range)
    return accounts_from_bound(accounts, sort, bound, backwards, key_range)


def is_descending(sort: str, backwards: bool) -> bool:
    """Returns whether keys descend when the list is read in this direction."""
    return sort.startswith("-") != backwards


def start_bound(
    sort: str, cursor: str, backwards: bool, key_range: KeyRange
) -> tuple[Any, int] | None:
    """Returns the key and the id after which to start; None at an end of the order.

    The near end of `key_range` and the cursor are merged into one bound. Given two, PostgreSQL may
    start at the less selective one and read everything from there to the other.
    """
    descending = is_descending(sort, backwards)
    near = key_range.stop if descending else key_range.start
    bounds = []
    if cursor:
        bounds.append(parse_cursor(sort, cursor))
    if near is not None:
        bounds.append((near, 0))
    if not bounds:
        return None
    return min(bounds) if descending else max(bounds)


def accounts_from_bound(
    accounts: UserQuerySet,
    sort: str,
    bound: tuple[Any, Any] | None,
    backwards: bool,
    key_range: KeyRange,
) -> UserQuerySet:
    """Returns the accounts after `bound` and in `key_range`, in order."""
    key = SORTS[sort].key
    descending = is_descending(sort, backwards)
    far = key_range.start if descending else key_range.stop
    if bound:
        accounts = accounts.filter(KeysetCondition(key, bound, "<" if descending else ">"))
    if far is not None:
        compare = GreaterThanOrEqual if descending else LessThan
        accounts = accounts.filter(compare(key, Value(far)))
    return accounts.order_by(*order_expressions(sort, backwards))


def order_expressions(sort: str, backwards: bool = False, key: Any = None) -> tuple:
    """Returns the ORDER BY of (key, id). `key` replaces the key of the sort."""
    key = key or SORTS[sort].key
    if is_descending(sort, backwards):
        return (key.desc(), F("pk").desc())
    return (key.asc(), F("pk").asc())
