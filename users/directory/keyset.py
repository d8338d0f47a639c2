"""Keyset paging: a page is an index range that starts behind a cursor, whatever its number.

The order is always (sort key, id), so that no two rows are equal. A cursor holds the key and the id
of the row at the edge of a page; a page costs one query for n + 1 rows.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, reduce
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import BooleanField, F, Field, Func, Value
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from users.database import prepared_statements
from users.database.prepared_statements import SqlWithParams
from users.directory.columns import COLUMN_FIELDS
from users.models import SeenKey, User, UserQuerySet

NEVER_SEEN = datetime(1, 1, 1, tzinfo=UTC)
LAST_PAGE = "end"
# The columns of a row: what the list shows, and what its order and its links need.
LISTED_FIELDS = tuple(dict.fromkeys(("id", *COLUMN_FIELDS, "name_key", "search_key", "version")))
ID_SQL = '"users_user"."id"'
LISTED_SQL = ", ".join(f'"users_user"."{name}"' for name in LISTED_FIELDS)
ExtraColumns = Mapping[str, RawSQL]
NO_EXTRA_COLUMNS: ExtraColumns = {}
OPEN_EDGE = (
    object(),
    object(),
)  # stands for the value and the id of the edge of a page, in a statement that serves for all
FetchRows = Callable[[str, bool], list[User]]
CURSOR_MAX = 3500  # the longest name_key is 620 characters of 4 bytes, in base64


class BadCursor(Exception):
    """A cursor that was not made here, or was made for another sort."""


class OpenParameter(Value):
    """A value that is filled in when the statement is put together already."""

    def as_sql(self, compiler, connection):
        return "%s", [self.value]


class KeysetCondition(Func):
    """Row values compared: (key, id) > (value, id). One index range, where OR conditions would be
    two.
    """

    template = "(%(expressions)s)"
    output_field = BooleanField()
    conditional = True

    def __init__(self, key: Combinable, place: tuple[Any, int], operator: str):
        super().__init__(key, F("pk"), *map(OpenParameter if place == OPEN_EDGE else Value, place))
        self.operator = operator

    def as_sql(self, compiler, connection, **context):  # type: ignore[override]
        parts = [compiler.compile(expression) for expression in self.source_expressions]
        (key, _), (pk, _), (value, _), (bound, _) = parts
        params = [param for _, values in parts for param in values]
        return f"({key}, {pk}) {self.operator} ({value}, {bound})", params

    def as_sqlite(self, compiler, connection, **context):
        """SQLite uses no index on an expression for row values, so the bound is said again for the
        expression alone. Among accounts with the same key it steps over those before the id: 0.1 µs
        each.
        """
        rows, params = self.as_sql(compiler, connection, **context)
        key, _, value, _ = self.source_expressions
        (key_sql, key_params), (value_sql, value_params) = (
            compiler.compile(key),
            compiler.compile(value),
        )
        return f"({key_sql} {self.operator}= {value_sql} AND {rows})", [
            *key_params,
            *value_params,
            *params,
        ]


@dataclass(frozen=True)
class Sort:
    """How one column is ordered. `of` reads the key from an account, `load` checks and reads it
    from a cursor.
    """

    label: str
    column: str
    key: F | Func
    of: Callable[[User], Any]
    load: Callable[[Any], Any]


@dataclass(frozen=True)
class KeyRange:
    """A range of a sort's key: `start` is in it, `stop` is not, and None is open."""

    start: Any = None
    stop: Any = None

    def __and__(self, other: "KeyRange") -> "KeyRange":
        starts = [each.start for each in (self, other) if each.start is not None]
        stops = [each.stop for each in (self, other) if each.stop is not None]
        return KeyRange(max(starts, default=None), min(stops, default=None))


FULL_RANGE = KeyRange()


def require_text(value: Any) -> str:
    if not isinstance(value, str) or any(
        char == "\x00" or "\ud800" <= char <= "\udfff" for char in value
    ):
        raise BadCursor
    return value


def parse_time(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(require_text(value))
        if at.tzinfo is None:
            raise BadCursor
        return at.astimezone(UTC)
    except (
        ValueError,
        OverflowError,
    ) as error:  # a time just inside the calendar may be outside of it in UTC
        raise BadCursor from error


SORT_COLUMNS = {
    "joined": Sort(
        "Joined", "date_joined", F("date_joined"), lambda account: account.date_joined, parse_time
    ),
    "username": Sort(
        "Username", "username", F("username"), lambda account: account.username, require_text
    ),
    "email": Sort("Email", "email", F("email"), lambda account: account.email, require_text),
    "name": Sort("Name", "name_key", F("name_key"), lambda account: account.name_key, require_text),
    "seen": Sort(
        "Last seen",
        "last_seen_at",
        SeenKey("last_seen_at"),
        lambda account: account.last_seen_at or NEVER_SEEN,
        parse_time,
    ),
}
# What the URL may say: a column, or a column with a minus for the other direction.
SORTS = {f"{sign}{name}": column for name, column in SORT_COLUMNS.items() for sign in ("", "-")}


@dataclass(frozen=True)
class AccountPage:
    """Accounts in order; the cursors are "" where there is nothing further."""

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
    within: KeyRange = FULL_RANGE,
) -> AccountPage:
    """The page behind `after`, or in front of `before` ("end": the last page), or the first. Raises
    BadCursor.
    """

    def ask(cursor: str, backwards: bool) -> list[User]:
        return load_accounts(accounts_after(accounts, sort, cursor, backwards, within)[: size + 1])

    return fetch_page_with(ask, sort, size, after=after, before=before)


def fetch_page_with(
    ask: FetchRows, sort: str, size: int, *, after: str = "", before: str = ""
) -> AccountPage:
    """The same of the rows that `ask` finds: at most size + 1 beyond a cursor ("": either end),
    backwards or not.
    """
    rows = ask(after if not before or before == LAST_PAGE else before, bool(before))
    if before and before != LAST_PAGE and len(rows) <= size:
        return fetch_page_with(
            ask, sort, size
        )  # less than a page stands in front: that is the first page
    if after and not rows:
        return fetch_page_with(ask, sort, size, before=LAST_PAGE)  # what stood there is gone
    return make_page(rows, sort, size, after=after, before=before)


def load_accounts(accounts: UserQuerySet) -> list[User]:
    """Accounts to be read alone, LISTED of them, without what the ORM does for each so that it can
    be changed and saved.
    """
    try:
        return read_accounts(accounts.db, *listed_sql(accounts))
    except EmptyResultSet:  # a condition that nothing can meet
        return []


def listed_sql(accounts: UserQuerySet, beside: ExtraColumns = NO_EXTRA_COLUMNS) -> SqlWithParams:
    """SQL and parameters that select LISTED. Raises EmptyResultSet."""
    return select_listed(tail_sql(accounts), beside)


def tail_sql(accounts: UserQuerySet) -> SqlWithParams:
    """What follows the columns. Raises EmptyResultSet."""
    sql, params = accounts.only("pk").query.get_compiler(accounts.db).as_sql()
    return sql.removeprefix(f"SELECT {ID_SQL}"), params


def select_listed(tail: SqlWithParams, beside: ExtraColumns = NO_EXTRA_COLUMNS) -> SqlWithParams:
    """LISTED, which takes the ORM longer to name than the database to find a page of them.
    `beside`: what else each row shall have, by name.
    """
    columns = ", ".join([LISTED_SQL, *(f"({each.sql}) AS {name}" for name, each in beside.items())])
    sql, params = tail
    return f"SELECT {columns}{sql}", (
        *(param for each in beside.values() for param in each.params),
        *params,
    )


def read_accounts(
    database: str, sql: str, params: Sequence[Any], *, often: bool = False
) -> list[User]:
    """The same for a query by hand, which comes `often`. Columns that are no fields of the account
    become attributes as they are.
    """
    with prepared_statements.prepared_cursor(connections[database], at_once=often) as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall()
        names = [column[0] for column in cursor.description]
    if convert := column_converters(database, tuple(names)):
        rows = [
            [value if how is None else how(value) for how, value in zip(convert, row, strict=True)]
            for row in rows
        ]
    return [readonly_account(names, row) for row in rows]


@cache
def column_converters(database: str, names: tuple[str, ...]) -> list[Callable[[Any], Any] | None]:
    """What makes of each column's values those of the field; empty where the driver gives them as
    they should be.
    """
    fields = {field.column: field for field in User._meta.concrete_fields}
    found = [field_converter(database, fields[name]) if name in fields else None for name in names]
    return found if any(found) else []


def field_converter(database: str, field: Field) -> Callable[[Any], Any] | None:
    connection = connections[database]
    column = field.get_col(User._meta.db_table)
    steps = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
    if len(steps) == 1:
        [step] = steps
        return lambda value: step(value, column, connection)
    return (
        (lambda value: reduce(lambda value, step: step(value, column, connection), steps, value))
        if steps
        else None
    )


def readonly_account(names: list[str], row: Sequence[Any]) -> User:
    account = User.__new__(User)
    account.__dict__.update(zip(names, row, strict=True))
    return account


def make_page(rows: list[User], sort: str, size: int, *, after: str, before: str) -> AccountPage:
    """The page made of at most size + 1 `rows`, which stand in reading order, or backwards if
    `before` is given.
    """
    more = len(rows) > size
    rows = rows[:size]
    if before:
        rows = rows[::-1]
    has_next, has_previous = (before != LAST_PAGE, more) if before else (more, bool(after))
    return AccountPage(
        accounts=rows,
        next=account_cursor(sort, rows[-1]) if rows and has_next else "",
        previous=account_cursor(sort, rows[0]) if rows and has_previous else "",
    )


def accounts_after(
    accounts: UserQuerySet, sort: str, cursor: str, backwards: bool, within: KeyRange = FULL_RANGE
) -> UserQuerySet:
    """The accounts behind the cursor in reading order, or in front of it and backwards. "" is
    either end.
    """
    return accounts_from_bound(
        accounts, sort, start_bound(sort, cursor, backwards, within), backwards, within
    )


def start_bound(
    sort: str, cursor: str, backwards: bool, within: KeyRange
) -> tuple[Any, int] | None:
    """Where to begin, as key and id; None at an end. The near end of `within` and the cursor become
    one bound, whichever is further on: of two, PostgreSQL begins to read at either, and might read
    everything from the end of the range to the cursor.
    """
    descending = sort.startswith("-") != backwards
    near = within.stop if descending else within.start
    places = [
        *([parse_cursor(sort, cursor)] if cursor else []),
        *([(near, 0)] if near is not None else []),
    ]
    return (min(places) if descending else max(places)) if places else None


def accounts_from_bound(
    accounts: UserQuerySet,
    sort: str,
    place: tuple[Any, Any] | None,
    backwards: bool,
    within: KeyRange,
) -> UserQuerySet:
    """The accounts from an `edge` on, in order."""
    key = SORTS[sort].key
    descending = sort.startswith("-") != backwards
    far = within.start if descending else within.stop
    if place:
        accounts = accounts.filter(KeysetCondition(key, place, "<" if descending else ">"))
    if far is not None:
        accounts = accounts.filter(
            GreaterThanOrEqual(key, Value(far)) if descending else LessThan(key, Value(far))
        )
    return accounts.order_by(*order_expressions(sort, backwards))


def order_expressions(sort: str, backwards: bool = False, key: Any = None) -> tuple:
    """`key`: where the sort's own stands under another name."""
    descending = sort.startswith("-") != backwards
    key = key or SORTS[sort].key
    return (key.desc(), F("pk").desc()) if descending else (key.asc(), F("pk").asc())


def check_cursors(sort: str, after: str, before: str) -> None:
    """Nothing, or BadCursor: for callers that do other work before they come to the cursor."""
    for cursor in (after, before if before != LAST_PAGE else ""):
        if cursor:
            parse_cursor(sort, cursor)


def account_cursor(sort: str, account: User) -> str:
    return cursor_at(sort, SORTS[sort].of(account), account.pk)


def cursor_at(sort: str, value: Any, pk: int = 0) -> str:
    """The place in the order at `value`, in front of all accounts that have it where the order
    ascends (ids start at 1).
    """
    data = [sort, value.isoformat() if isinstance(value, datetime) else value, pk]
    return (
        urlsafe_b64encode(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
        .rstrip(b"=")
        .decode()
    )


def parse_cursor(sort: str, cursor: str) -> tuple[Any, int]:
    """The key and the id in the cursor. Raises BadCursor."""
    try:
        if len(cursor) > CURSOR_MAX:
            raise BadCursor
        data = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        made_for, value, pk = data
    except (ValueError, TypeError, RecursionError) as error:
        raise BadCursor from error
    if made_for != sort or type(pk) is not int or not 0 <= pk < 2**63:
        raise BadCursor
    return SORTS[sort].load(value), pk
