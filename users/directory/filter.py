"""The filter of the directory: parsed from a query string, normalised, and formatted as one again.

The list, counts, exports, bulk jobs and saved views take this object instead of a list of ids.
"""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict

from users.directory.filters import FILTERS, filters_range, index_holds_order, is_range_of
from users.directory.lists.models import owns_list
from users.directory.search import Search, split_tokens
from users.directory.search_text import is_ip_address
from users.directory.sorts import SORT_COLUMNS, SORTS, describe_sort
from users.exceptions import BadParameter
from users.models import User, UserQuerySet
from users.typed_text import is_storable_text, isolate_text
from users.web.days import ends_before

PAGE_SIZES = (25, 50, 100)
DEFAULT_SORT = "-joined"
DEFAULT_SIZE = 50
SEARCH_MAX = 200
VALUE_MAX = 255
ORDER_PARAMETERS = ("sort", "size")
POSITION_PARAMETERS = ("after", "before")
# Sorts by masked values, which the order of the rows and the cursors in URLs would reveal.
REVEALING_SORTS = {"email", "username"}
ACCOUNTS_OF_LEVEL = {
    "": "accounts",
    "staff": "staff accounts",
    "superuser": "superusers",
}
# Pairs of filters for the first and the last day of a range.
RANGES = (("joined_from", "joined_to"), ("seen_from", "seen_to"))
# The ticked rows, which are no filter (users/directory/selection_bar.py).
TICKED_PARAMETER = "ids"
KNOWN_PARAMETERS = {
    "q",
    *FILTERS,
    *ORDER_PARAMETERS,
    *POSITION_PARAMETERS,
    "view",
    TICKED_PARAMETER,
}


class BadFilter(BadParameter):
    """A query string that is not a valid filter of accounts. `field`: where the parameter was
    typed; a filter may stand in the search box.
    """

    def __init__(self, parameter: str, message: str, field: str = ""):
        super().__init__(parameter, message)
        self.field = field or parameter


@dataclass(frozen=True)
class Filter:
    """The accounts of a list and their order.

    Instances come from `parse`, so their values are valid and in normal form.
    """

    # The search as typed.
    q: str = ""
    # The other filters by name, in the order of FILTERS.
    values: dict[str, str] = field(default_factory=dict)
    sort: str = DEFAULT_SORT
    size: int = DEFAULT_SIZE
    # The viewer's preferred page size, which the query string leaves out.
    default_size: int = field(default=DEFAULT_SIZE, compare=False)
    # Whether email addresses are masked for the viewer, so the filter must not reveal them.
    masked: bool = False
    # The account of the viewer, to whom pasted lists must belong. None: no list is allowed.
    viewer_id: int | None = field(
        default=None,
        compare=False,
        repr=False,
    )

    @classmethod
    def parse(
        cls,
        query: QueryDict,
        size: int = DEFAULT_SIZE,
        masked: bool = False,
        viewer_id: int | None = None,
    ) -> "Filter":
        """Returns the filter in a query string. `size` is the default page size.

        Raises BadFilter for an unknown, repeated or invalid parameter, and for a list of accounts
        that does not belong to the viewer.
        """
        wanted, errors = cls.read(query, size, masked, viewer_id)
        if errors:
            raise errors[0]
        return wanted

    @classmethod
    def read(
        cls,
        query: QueryDict,
        size: int = DEFAULT_SIZE,
        masked: bool = False,
        viewer_id: int | None = None,
    ) -> tuple["Filter", list[BadFilter]]:
        """Returns the filter without the values that people have mistyped, and the errors of those.

        Raises BadFilter for what no form sends: unknown or repeated parameters, a bad order or
        size.
        """
        require_known_parameters(query)
        sort = parse_sort(query.get("sort") or DEFAULT_SORT, masked=masked)
        sizes = [str(each) for each in PAGE_SIZES]
        wanted_size = int(require_choice("size", query.get("size") or str(size), sizes))
        q, values, errors = read_typed_values(query)
        if "list" in values and not owns_list(viewer_id, values["list"]):
            errors.append(foreign_list_error(values.pop("list"), query))
        wanted = cls(
            q=q,
            values=values,
            sort=sort,
            size=wanted_size,
            default_size=size,
            masked=masked,
            viewer_id=viewer_id,
        )
        return wanted, errors

    @property
    def search(self) -> Search:
        return Search.parse(self.q, self.masked)

    def conditions(self) -> list[Q]:
        """Returns a condition for each filter except the search."""
        return [FILTERS[name].condition(value) for name, value in self.values.items()]

    def apply(self, accounts: UserQuerySet | None = None) -> UserQuerySet:
        """Returns all accounts that match, unordered."""
        accounts = User.objects.all() if accounts is None else accounts
        return self.search.apply(accounts.filter(*self.conditions()))

    @property
    def is_cacheable(self) -> bool:
        """Whether every change of the matches raises the generation of the accounts."""
        return not any(FILTERS[name].uncached for name in self.values)

    @property
    def is_personal(self) -> bool:
        """Whether only one viewer may use the filter, and only for some days."""
        return any(FILTERS[name].personal for name in self.values)

    @property
    def has_index_order(self) -> bool:
        """Whether some index holds exactly the matches in the wanted order."""
        sort = self.sort.removeprefix("-")
        return not self.search and index_holds_order(self.values, sort)

    @cached_property
    def query(self) -> str:
        """The canonical query string: the values that are not the default, in a fixed order."""
        pairs = [("q", self.q), *self.values.items(), *self.order_values.items()]
        return urlencode([(name, value) for name, value in pairs if value])

    @property
    def order_values(self) -> dict[str, str]:
        """The order and the page size by parameter, unless they are the default."""
        values = {}
        if self.sort != DEFAULT_SORT:
            values["sort"] = self.sort
        if self.size != self.default_size:
            values["size"] = str(self.size)
        return values

    def url(self, path: str = "/users/", **position: str) -> str:
        query = self.query
        if position:
            query = "&".join(filter(None, [query, urlencode(position)]))
        return f"{path}?{query}" if query else path

    @property
    def count_url(self) -> str:
        return self.url("/users/count/")

    @property
    def filters_url(self) -> str:
        return self.url("/users/filters/")

    @property
    def sort_description(self) -> str:
        return describe_sort(self.sort)

    def with_sort(self, sort: str) -> "Filter":
        return replace(self, sort=sort)

    def with_size(self, size: int) -> "Filter":
        return replace(self, size=size)

    def without(self, name: str) -> "Filter":
        """Returns a copy without the filter `name`, or without the search ("q")."""
        if name == "q":
            return replace(self, q="")
        values = {other: value for other, value in self.values.items() if other != name}
        return replace(self, values=values)

    @property
    def has_criteria(self) -> bool:
        return bool(self.q or self.values)

    @property
    def contradiction(self) -> str:
        """Returns which filters exclude each other, such as a reversed range of days; "" if none
        do.
        """
        for sort in SORT_COLUMNS:
            if filters_range(self.values, sort).is_empty:
                names = [name for name in self.values if is_range_of(name, self.values[name], sort)]
                labels = [f"“{FILTERS[name].label}”" for name in names]
                return f"{' and '.join(labels)} exclude each other, so no account can match."
        return ""

    @property
    def digest(self) -> str:
        """32 hex digits, the same for every sort order and page size."""
        query = replace(self, sort=DEFAULT_SORT, size=self.default_size).query.encode()
        return hashlib.sha256(query + b"masked" * self.masked).hexdigest()[:32]

    def __str__(self) -> str:
        """Returns a phrase such as "active accounts at example.com that were never seen"."""
        values = dict(self.values)
        words = []
        if status := values.pop("status", ""):
            words.append(FILTERS["status"].describe(status))
        elif not self.has_criteria:
            words.append("all")
        words.append(ACCOUNTS_OF_LEVEL[values.pop("role", "")])
        words += [FILTERS[name].describe(value) for name, value in values.items()]
        if self.q:
            words.append(f"matching “{isolate_text(self.q)}”")
        return " ".join(words)


def require_known_parameters(query: QueryDict) -> None:
    """Raises BadFilter for a parameter that is unknown or given more than once."""
    for name, given in query.lists():
        if name not in KNOWN_PARAMETERS:
            raise BadFilter(name, "There is no such filter.")
        if len(given) > 1 and name != TICKED_PARAMETER:
            raise BadFilter(name, "This filter is given more than once.")


def read_typed_values(query: QueryDict) -> tuple[str, dict[str, str], list[BadFilter]]:
    """Returns the search and the other filters, and an error for each that cannot be read."""
    errors = []
    try:
        text = check_query_text("q", query.get("q", ""), SEARCH_MAX)
    except BadFilter as error:
        text = ""
        errors.append(error)
    named, q = split_tokens(text, set(FILTERS))
    if is_ip_address(q):
        named, q = named | {"ip": q}, ""
    typed = [(name, query[name], name) for name in FILTERS if query.get(name)]
    typed += [(name, value, "q") for name, value in named.items()]
    read = {}
    for name, value, place in typed:
        try:
            read[name] = parse_filter_value(name, str(value))
        except BadFilter as error:
            errors.append(BadFilter(name, error.message, place))
    values = {name: read[name] for name in FILTERS if name in read}
    try:
        require_range_order(values)
    except BadFilter as error:
        place = "q" if error.parameter in named else error.parameter
        errors.append(BadFilter(error.parameter, error.message, place))
        del values[error.parameter]
    return q, values, errors


def foreign_list_error(value: str, query: QueryDict) -> BadFilter:
    """Returns the error for a pasted list of somebody else, or one that does not exist."""
    message = f"“{value}” is not one of your lists. Lists are removed after some days."
    return BadFilter("list", message, "list" if query.get("list") else "q")


def parse_sort(value: str, *, masked: bool) -> str:
    sort = require_choice("sort", value, list(SORTS))
    if masked and sort.removeprefix("-") in REVEALING_SORTS:
        raise BadFilter("sort", "Addresses are masked for you, so you can’t sort by them.")
    return sort


def parse_filter_value(name: str, value: str) -> str:
    try:
        return FILTERS[name].parse(check_query_text(name, value, VALUE_MAX))
    except ValueError as error:
        label = FILTERS[name].label
        message = f"“{value[:60]}” is not a valid value for “{label}”. {error}"
        raise BadFilter(name, message) from error


def require_range_order(values: dict[str, str]) -> None:
    """Raises BadFilter for a range that ends before it begins, which nothing could match."""
    for first, last in RANGES:
        if first in values and last in values and ends_before(values[last], values[first]):
            labels = FILTERS[last].label, FILTERS[first].label
            message = "“{}” is before “{}”. Swap the two dates.".format(*labels)
            raise BadFilter(last, message)


def check_query_text(name: str, value: str, longest: int) -> str:
    """Returns the trimmed text. Raises BadFilter if it is too long or can't be stored."""
    value = value.strip()
    if len(value) > longest:
        raise BadFilter(name, f"This is limited to {longest} characters.")
    # Django has replaced bytes that are not UTF-8 by U+FFFD.
    if "\ufffd" in value or not is_storable_text(value):
        message = "This contains a character that can’t be stored, so nothing can match it."
        raise BadFilter(name, message)
    return value


def require_choice(name: str, value: str, allowed: list[str]) -> str:
    if value not in allowed:
        message = (
            f"“{value[:60]}” is not a valid value for {name}. Allowed values: {', '.join(allowed)}."
        )
        raise BadFilter(name, message)
    return value
