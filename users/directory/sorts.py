"""The sort orders of the directory: the key of each in SQL, on an account and in a cursor.

Accounts are ordered by (key, id), so no two positions are equal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from django.db.models import F, Func
from django.db.models.functions import Lower

from users.database.columns import SeenKey
from users.models import User
from users.typed_text import is_storable_text

NEVER_SEEN = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sort:
    """One column to order by."""

    label: str
    column: str
    # The key in SQL.
    key: F | Func
    # Returns the key of an account.
    read_key: Callable[[User], Any]
    # Returns the key from the JSON of a cursor. Raises ValueError.
    parse_key: Callable[[Any], Any]
    # Names of the two directions.
    ascending: str = "A to Z"
    descending: str = "Z to A"


@dataclass(frozen=True)
class KeyRange:
    """A range of a sort's key: `start` is included, `stop` is not, and None is unbounded."""

    start: Any = None
    stop: Any = None

    def __and__(self, other: "KeyRange") -> "KeyRange":
        starts = [each.start for each in (self, other) if each.start is not None]
        stops = [each.stop for each in (self, other) if each.stop is not None]
        return KeyRange(start=max(starts, default=None), stop=min(stops, default=None))

    @property
    def is_empty(self) -> bool:
        return self.start is not None and self.stop is not None and self.start >= self.stop


FULL_RANGE = KeyRange()


def require_text(value: Any) -> str:
    """Returns `value` if it is text that the database can store. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("not a text")
    if not is_storable_text(value):
        raise ValueError("text that can't be stored")
    return value


def parse_time(value: Any) -> datetime:
    """Parses an ISO time with a time zone and returns it in UTC. Raises ValueError."""
    at = datetime.fromisoformat(require_text(value))
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        # A time in the year 1 or 9999 may be out of range in UTC.
        raise ValueError("a time outside the calendar") from error


def last_seen_key(account: User) -> datetime:
    return account.last_seen_at or NEVER_SEEN


def email_sort_key(account: User) -> str:
    """Returns the account's address as SQL's LOWER makes it: local parts are ASCII."""
    return account.email.lower()


SORT_COLUMNS = {
    "joined": Sort(
        label="Joined",
        column="date_joined",
        key=F("date_joined"),
        read_key=attrgetter("date_joined"),
        parse_key=parse_time,
        ascending="earliest first",
        descending="latest first",
    ),
    "username": Sort(
        label="Username",
        column="username",
        key=F("username"),
        read_key=attrgetter("username"),
        parse_key=require_text,
    ),
    "email": Sort(
        label="Email",
        column="email",
        key=Lower("email"),
        read_key=email_sort_key,
        parse_key=require_text,
    ),
    "name": Sort(
        label="Name",
        column="name_key",
        key=F("name_key"),
        read_key=attrgetter("name_key"),
        parse_key=require_text,
    ),
    "seen": Sort(
        label="Last seen",
        column="last_seen_at",
        key=SeenKey("last_seen_at"),
        read_key=last_seen_key,
        parse_key=parse_time,
        ascending="earliest first",
        descending="latest first",
    ),
}
# The values of the URL parameter: a name, or a name with a minus for descending order.
SORTS = {f"{sign}{name}": sort for name, sort in SORT_COLUMNS.items() for sign in ("", "-")}


def describe_sort(value: str) -> str:
    """Returns a value of the URL parameter in words, such as "last seen, latest first"."""
    sort = SORTS[value]
    direction = sort.descending if value.startswith("-") else sort.ascending
    return f"{sort.label.lower()}, {direction}"
