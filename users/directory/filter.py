"""What the directory shows: parsed from a query string, normalised, and turned back into one.

List, counts, exports, bulk work and saved views take this object and nothing else: the filter
travels, never the ids.
"""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict

from users.directory.filters import FILTERS
from users.directory.keyset import SORTS
from users.directory.search import Search, split_tokens
from users.models import User, UserQuerySet

PAGE_SIZES = (25, 50, 100)
DEFAULT_SORT = "-joined"
DEFAULT_SIZE = 50
SEARCH_MAX = 200
VALUE_MAX = 255
ORDER_PARAMETERS = ("sort", "size")
POSITION_PARAMETERS = ("after", "before")
REVEALING_SORTS = {
    "email",
    "username",
}  # sorts that tell what is masked: by neighbours, and by the cursors in addresses
KNOWN_PARAMETERS = {"q", *FILTERS, *ORDER_PARAMETERS, *POSITION_PARAMETERS, "view"}


class BadFilter(Exception):
    """A query string that means nothing. `parameter` is the one to mend."""

    def __init__(self, parameter: str, message: str):
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter
        self.message = message


@dataclass(frozen=True)
class Filter:
    """`q`: what is searched for, as typed; `values`: the other filters by name, in the order of
    PARAMETERS.
    """

    q: str = ""
    values: dict[str, str] = field(default_factory=dict)
    sort: str = DEFAULT_SORT
    size: int = DEFAULT_SIZE
    # The viewer's own size, which the query need not name.
    usual: int = field(default=DEFAULT_SIZE, compare=False)
    # Whether it is asked by somebody for whom addresses are masked, and so must not tell them
    # apart.
    masked: bool = False

    @classmethod
    def parse(cls, query: QueryDict, size: int = DEFAULT_SIZE, masked: bool = False) -> "Filter":
        """`size` where the query gives none. Raises BadFilter for an unknown, repeated or
        impossible parameter.
        """
        for name, given in query.lists():
            if name not in KNOWN_PARAMETERS:
                raise BadFilter(name, "There is no such filter.")
            if len(given) > 1:
                raise BadFilter(name, "This filter is given more than once.")
        named, q = split_tokens(check_query_text("q", query.get("q", ""), SEARCH_MAX), set(FILTERS))
        asked = {name: query[name] for name in FILTERS if query.get(name)} | named
        sort = require_choice("sort", query.get("sort") or DEFAULT_SORT, list(SORTS))
        if masked and sort.removeprefix("-") in REVEALING_SORTS:
            raise BadFilter("sort", "Addresses are masked for you, so you can’t sort by them.")
        return cls(
            q=q,
            values={
                name: parse_filter_value(name, str(asked[name]))
                for name in FILTERS
                if name in asked
            },
            sort=sort,
            size=int(
                require_choice(
                    "size", query.get("size") or str(size), [str(each) for each in PAGE_SIZES]
                )
            ),
            usual=size,
            masked=masked,
        )

    @property
    def search(self) -> Search:
        return Search.of(self.q, self.masked)

    def conditions(self) -> list[Q]:
        """One for each filter but the search."""
        return [FILTERS[name].condition(value) for name, value in self.values.items()]

    def apply(self, accounts: UserQuerySet | None = None) -> UserQuerySet:
        """The accounts that match, in no order yet, without any cap."""
        accounts = User.objects.all() if accounts is None else accounts
        return self.search.apply(accounts.filter(*self.conditions()))

    @cached_property
    def query(self) -> str:
        """The canonical query string: what differs from the default, in a fixed order."""
        pairs = [("q", self.q), *self.values.items()]
        pairs += [("sort", self.sort)] if self.sort != DEFAULT_SORT else []
        pairs += [("size", str(self.size))] if self.size != self.usual else []
        return urlencode([(name, value) for name, value in pairs if value])

    def url(self, path: str = "/users/", **position: str) -> str:
        query = "&".join(filter(None, [self.query, urlencode(position)]))
        return f"{path}?{query}" if query else path

    @property
    def count_url(self) -> str:
        return self.url("/users/count/")

    @property
    def filters_url(self) -> str:
        return self.url("/users/filters/")

    def ordered_by(self, sort: str) -> "Filter":
        return replace(self, sort=sort)

    def sized(self, size: int) -> "Filter":
        return replace(self, size=size)

    def without(self, name: str) -> "Filter":
        """The same list with one filter less: "q" or the name of a value."""
        if name == "q":
            return replace(self, q="")
        return replace(
            self, values={other: value for other, value in self.values.items() if other != name}
        )

    @property
    def narrows(self) -> bool:
        return bool(self.q or self.values)

    @property
    def digest(self) -> str:
        """32 hex digits that are equal for filters that mean the same accounts, whatever their
        order and page.
        """
        query = replace(self, sort=DEFAULT_SORT, size=self.usual).query.encode()
        return hashlib.sha256(query + b"masked" * self.masked).hexdigest()[:32]

    def __str__(self) -> str:
        """In words: "active accounts at example.com that were never seen"."""
        values = dict(self.values)
        status = values.pop("status", "")
        who = {"": "accounts", "staff": "staff accounts", "superuser": "superusers"}[
            values.pop("role", "")
        ]
        words = [FILTERS["status"].words(status)] if status else [] if self.narrows else ["all"]
        words += [who, *(FILTERS[name].words(value) for name, value in values.items())]
        return " ".join(words) + (f" matching “{self.q}”" if self.q else "")


def parse_filter_value(name: str, value: str) -> str:
    try:
        return FILTERS[name].parse(check_query_text(name, value, VALUE_MAX))
    except ValueError as error:
        raise BadFilter(name, f"“{value[:60]}” is not a valid value for {name}. {error}") from error


def check_query_text(name: str, value: str, longest: int) -> str:
    """Trimmed. Raises BadFilter for what no database holds."""
    value = value.strip()
    if len(value) > longest:
        raise BadFilter(name, f"{name} is limited to {longest} characters.")
    # Bytes that are no UTF-8 have become U+FFFD by now.
    if any(char in "\x00\ufffd" or "\ud800" <= char <= "\udfff" for char in value):
        raise BadFilter(
            name, "This contains a character that can’t be stored, so nothing can match it."
        )
    return value


def require_choice(name: str, value: str, allowed: list[str]) -> str:
    if value not in allowed:
        raise BadFilter(
            name,
            f"“{value[:60]}” is not a valid value for {name}. "
            f"Allowed values: {', '.join(allowed)}.",
        )
    return value
