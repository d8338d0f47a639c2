"""The filter of the audit trail: parsed from a query string, normalised, and formatted as one
again.

The list, its count and whatever else works on many events take this object, never a list of ids.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict

from users.audit.trail.accounts import UnclearAccount, resolve_account
from users.audit.trail.conditions import visible_text_condition
from users.audit.trail.specs import TRAIL_FILTERS
from users.exceptions import BadParameter
from users.models import User
from users.typed_text import is_storable_text
from users.web.days import ends_before
from users.web.query_string import check_parameters, parse_id_parameter

PATH = "/audit/"
ACCOUNT_FILTERS = ("actor", "target")
POSITION_PARAMETERS = ("after", "before")
# The position of the last page.
LAST_PAGE = "last"
VALUE_MAX = 255
HIDDEN_MESSAGE = "“{}” is not available to you, because personal data is hidden."


@dataclass(frozen=True)
class TrailError:
    """A mistake in one filter, and the accounts that it may mean."""

    message: str
    choices: list[User] = field(default_factory=list)


TrailErrors = dict[str, TrailError]


@dataclass(frozen=True)
class Position:
    """Where a page starts: after or before the event with an ID, in the order of the list; at its
    beginning if both are 0; or at its end.
    """

    after: int = 0
    before: int = 0
    is_last: bool = False

    @property
    def is_backwards(self) -> bool:
        return bool(self.before) or self.is_last


@dataclass(frozen=True)
class TrailFilter:
    """The events of a list. `values` has the active filters by name, in normal form."""

    values: dict[str, str] = field(default_factory=dict)
    # Whether personal data is masked for the viewer, so the filter must not reveal it.
    masked: bool = False

    @classmethod
    def parse(cls, query: QueryDict, *, masked: bool = False) -> "TrailFilter":
        """Returns the filter in a query string. Raises BadParameter for the first mistake."""
        wanted, errors = cls.read(query, masked=masked)
        for name, error in errors.items():
            raise BadParameter(name, error.message)
        return wanted

    @classmethod
    def read(cls, query: QueryDict, *, masked: bool = False) -> tuple["TrailFilter", TrailErrors]:
        """Returns the filter without the values that people have mistyped, and what is wrong with
        those by name. Raises BadParameter for unknown or repeated parameters.
        """
        check_parameters(
            query,
            *TRAIL_FILTERS,
            *POSITION_PARAMETERS,
            unknown="There is no such filter.",
            repeated="This filter is used more than once.",
        )
        values, errors = read_trail_values(query, masked=masked)
        if "from" in values and "to" in values and ends_before(values["to"], values["from"]):
            errors["to"] = TrailError("“Until” is before “From”. Swap the two dates.")
            del values["to"]
        return cls(values, masked=masked), errors

    def __bool__(self) -> bool:
        return bool(self.values)

    def conditions(self, *, leave_out: tuple[str, ...] = ()) -> list[Q]:
        """Returns the conditions of all filters but `leave_out`."""
        names = [name for name in self.values if name not in leave_out]
        found = [TRAIL_FILTERS[name].condition(self.values[name]) for name in names]
        if self.masked and "text" in names:
            found.append(visible_text_condition())
        return found

    def tokens(self) -> list[int]:
        """Returns the tokens of every event that matches."""
        return sorted(set(self.iterate_tokens()))

    def iterate_tokens(self) -> Iterator[int]:
        for name, value in self.values.items():
            yield from TRAIL_FILTERS[name].tokens(value)

    def with_value(self, name: str, value: str) -> "TrailFilter":
        values = self.values | {name: value}
        ordered = {each: values[each] for each in TRAIL_FILTERS if values.get(each)}
        return replace(self, values=ordered)

    def without(self, name: str) -> "TrailFilter":
        return self.with_value(name, "")

    @property
    def query(self) -> str:
        """The canonical query string."""
        return urlencode(self.values)

    def url(self, path: str = PATH, **position: object) -> str:
        pairs = {name: value for name, value in position.items() if value}
        query = "&".join(filter(None, [self.query, urlencode(pairs)]))
        return f"{path}?{query}" if query else path

    @property
    def filters_url(self) -> str:
        return self.url("/audit/filters/")

    @property
    def count_url(self) -> str:
        return self.url("/audit/count/")

    @property
    def digest(self) -> str:
        """32 hex digits that stand for the events that match."""
        return hashlib.sha256(f"{self.query} {self.masked}".encode()).hexdigest()[:32]

    def __str__(self) -> str:
        """Returns a phrase such as "all events" or "events: action: suspended; job 7"."""
        return join_chips(
            TRAIL_FILTERS[name].describe(value) for name, value in self.values.items()
        )

    @property
    def public_words(self) -> str:
        """The phrase without personal values, for texts that are stored: masked viewers may read
        them, and no erasure finds such a value.
        """
        return join_chips(public_chip(name, value) for name, value in self.values.items())


def public_chip(name: str, value: str) -> str:
    """Returns a filter in words, without a personal value."""
    spec = TRAIL_FILTERS[name]
    return f"{spec.label} (hidden)" if spec.is_personal else spec.describe(value)


def join_chips(chips: Iterable[str]) -> str:
    """Returns the phrase of filters in words."""
    found = "; ".join(map(lower_start, chips))
    return f"events: {found}" if found else "all events"


def lower_start(text: str) -> str:
    """Returns the text as it reads in the middle of a sentence: "IP" stays as it is."""
    if text[:2].isupper():
        return text
    return text[:1].lower() + text[1:]


def read_trail_values(query: QueryDict, *, masked: bool) -> tuple[dict[str, str], TrailErrors]:
    """Returns the values of all filters in normal form, and the errors of the others."""
    values: dict[str, str] = {}
    errors: TrailErrors = {}
    for name in TRAIL_FILTERS:
        try:
            text = require_short_text(str(query.get(name, "")))
            if text:
                values[name] = parse_trail_value(name, text, masked=masked)
        except UnclearAccount as error:
            errors[name] = TrailError(str(error), error.choices)
        except ValueError as error:
            errors[name] = TrailError(str(error))
    return values, errors


def require_short_text(value: str) -> str:
    """Returns the trimmed text. Raises ValueError if it is too long or cannot be stored."""
    value = value.strip()
    if len(value) > VALUE_MAX:
        raise ValueError(f"Enter at most {VALUE_MAX} characters.")
    # Django has replaced bytes that are not UTF-8 by U+FFFD.
    if "\ufffd" in value or not is_storable_text(value):
        raise ValueError("This contains a character that can’t be stored, so nothing can match it.")
    return value


def parse_trail_value(name: str, text: str, *, masked: bool) -> str:
    """Returns the normal form of a value. Raises ValueError with a message for the user."""
    spec = TRAIL_FILTERS[name]
    if masked and spec.is_personal:
        raise ValueError(HIDDEN_MESSAGE.format(spec.label))
    if name in ACCOUNT_FILTERS:
        text = resolve_account(text, masked=masked)
    return spec.parse(text)


def read_position(query: QueryDict) -> Position:
    """Returns where the page of a query string starts. Raises BadParameter."""
    after = parse_id_parameter(
        "after",
        query.get("after", ""),
        "“after” must be an event ID.",
    )
    before = query.get("before", "")
    if after and before:
        raise BadParameter("before", "Use either “after” or “before”, not both.")
    if before == LAST_PAGE:
        return Position(is_last=True)
    number = parse_id_parameter(
        "before",
        before,
        "“before” must be an event ID.",
    )
    return Position(
        after=after,
        before=number,
    )
