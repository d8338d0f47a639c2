"""The directory's filters, one declaration each: FILTERS.

A declaration states which values a filter takes, which accounts match, how it reads in words, and
which indexes support it. The query string, the filter panel, the labels, the page query and the
benchmarks read it. A new filter is an entry here. If it needs an index, it also takes an index in
models.py, its migration, and a row in docs/indexes.md.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Q, Value
from django.db.models.expressions import RawSQL
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from users.database.columns import EmptyEmail
from users.directory.filter_values import (
    choice_parser,
    parse_domain,
    parse_ip,
    parse_list_id,
    require_printable,
)
from users.directory.known_sources import source_choices
from users.directory.lists.models import accounts_on_list
from users.directory.sorts import FULL_RANGE, NEVER_SEEN, SORT_COLUMNS, KeyRange
from users.fields import field_label
from users.models import State, User, in_state
from users.sessions.models import SignInEvent, SignInOutcome
from users.web.days import (
    DAY_EXAMPLE,
    day_end,
    day_start,
    describe_since,
    describe_until,
    parse_day,
)

FIRST_SEEN = NEVER_SEEN + timedelta(microseconds=1)
# Replaces the current time in conditions while a statement is compiled for the cache.
assumed_now: ContextVar[datetime | None] = ContextVar("assumed_now", default=None)
YES_NO = {"yes": "Yes", "no": "No"}
ACCESS_LEVELS = {"staff": "Staff", "superuser": "Superusers"}
MISSING_FIELDS = {"email": "Email", "name": "Name"}
# The range of the empty text: no stored text begins with a control character.
EMPTY_TEXT = KeyRange("", "\x01")
# A subquery hides the constant from PostgreSQL's planner. Knowing that nearly all accounts are
# active, it would walk any index from its end, past a million inactive accounts if need be.
OPAQUE_ACTIVE = RawSQL("(SELECT 'active')", ())
NO_SORTS: frozenset[str] = frozenset()
JOINED_SORT = frozenset({"joined"})
EVERY_SORT = frozenset(SORT_COLUMNS)
Choices = list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class FilterSpec:
    """One filter. All entries but `label`, `choices` and `placeholder` are functions of a value."""

    label: str
    # Returns the canonical text of a value, or raises ValueError with a message for the user.
    parse: Callable[[str], str]
    # The condition of the accounts that match.
    condition: Callable[[str], Q]
    # The words that follow "accounts", such as "at example.com".
    describe: Callable[[str], str]
    # Returns the allowed values with labels. None if any text is allowed.
    choices: Callable[[], Choices] | None = None
    # An example in an empty text field.
    placeholder: str = ""
    # The sorts for which an index holds the matches in order. For others the page query caps its
    # work.
    indexed_sorts: Callable[[str], frozenset[str]] = lambda value: NO_SORTS
    # Whether usually few accounts match.
    rare: Callable[[str], bool] = lambda value: False
    # A broader condition that matches every account of the value and few others, and that has an
    # index in every sort order. None if there is none.
    superset: Callable[[str], Q | None] = lambda value: None
    # A narrower condition that matches nearly all accounts of the value and has an index ordered by
    # date_joined, for filters whose exact condition has none.
    main_subset: Callable[[str], Q | None] = lambda value: None
    # Whether matches depend on rows whose changes do not raise the generation of the accounts, so
    # that a page with this filter can't be cached.
    uncached: bool = False
    # Whether each value belongs to one viewer. No form offers it, but a value that is set stays.
    personal: bool = False
    # If the filter is a range of a sort's key: the name of the sort, and the range.
    key_range: Callable[[str], tuple[str, KeyRange]] = lambda value: ("", FULL_RANGE)


def choice_filter(choices: dict[str, str], **declared: Any) -> FilterSpec:
    """Returns a filter with a fixed set of values, given with their labels."""
    return FilterSpec(
        parse=choice_parser(*choices), choices=lambda: list(choices.items()), **declared
    )


def range_filter(
    *, key_range: Callable[[str], tuple[str, KeyRange]], **declared: Any
) -> FilterSpec:
    """Returns a filter by a range of a sort's key. The index of that sort holds its matches."""
    return FilterSpec(
        condition=lambda value: range_condition(*key_range(value)),
        indexed_sorts=lambda value: frozenset({key_range(value)[0]}),
        key_range=key_range,
        **declared,
    )


def range_condition(sort: str, key_range: KeyRange) -> Q:
    """Returns the condition on the sort's key, in the form of the key's index."""
    key = SORT_COLUMNS[sort].key
    condition = Q()
    if key_range.start is not None:
        condition &= Q(GreaterThanOrEqual(key, Value(key_range.start)))
    if key_range.stop is not None:
        condition &= Q(LessThan(key, Value(key_range.stop)))
    return condition


def access_level_condition(value: str) -> Q:
    return Q(is_superuser=True) if value == "superuser" else Q(is_staff=True)


def group_condition(value: str) -> Q:
    return Q(pk__in=User.groups.through.objects.filter(group__name=value).values("user_id"))


def signed_in_from(ip: str) -> Q:
    """Returns the condition of the accounts that have signed in from an IP address."""
    successes = SignInEvent.objects.filter(
        ip=ip,
        outcome__in=(SignInOutcome.OK, SignInOutcome.PASSWORD_CHOSEN),
        account_id__isnull=False,
    )
    return Q(pk__in=successes.values("account_id"))


def joined_sort_for(value_with_index: str) -> Callable[[str], frozenset[str]]:
    """Returns `indexed_sorts` of a filter with one index, which is ordered by date_joined."""
    return lambda value: JOINED_SORT if value == value_with_index else NO_SORTS


def always_true(value: str) -> bool:
    return True


def with_or_without(value: str) -> str:
    return "with" if value == "yes" else "without"


def role_choices() -> Choices:
    names = Group.objects.order_by("name").values_list("name", flat=True)
    return [(name, name) for name in names]


def status_indexed_sorts(value: str) -> frozenset[str]:
    return NO_SORTS if value in (State.ACTIVE, State.ENDED) else EVERY_SORT


def status_superset(value: str) -> Q | None:
    return Q(valid_until__isnull=False) if value == State.ENDED else None


def status_main_subset(value: str) -> Q | None:
    return Q(status=OPAQUE_ACTIVE) if value == State.ACTIVE else None


def describe_password_change(value: str) -> str:
    verb = "must" if value == "yes" else "do not have to"
    return f"that {verb} change their password"


def describe_bounce(value: str) -> str:
    return "whose emails bounce" if value == "yes" else "whose emails do not bounce"


def describe_consent(value: str) -> str:
    return "that accept announcements" if value == "yes" else "that do not accept announcements"


def describe_never_seen(value: str) -> str:
    return "that were never seen" if value == "yes" else "that have been seen"


def missing_condition(value: str) -> Q:
    if value == "email":
        return Q(EmptyEmail("email"))
    return range_condition("name", EMPTY_TEXT)


def missing_indexed_sorts(value: str) -> frozenset[str]:
    return EVERY_SORT if value == "email" else frozenset({"name"})


def seen_choice_range(value: str) -> tuple[str, KeyRange]:
    """Returns the key range for the values of `never_seen`."""
    if value == "yes":
        return "seen", KeyRange(NEVER_SEEN, FIRST_SEEN)
    return "seen", KeyRange(FIRST_SEEN)


# In the order of a sentence: "active staff with the role Support at example.com that …".
FILTERS = {
    "status": choice_filter(
        dict(State.choices),
        label=field_label("status"),
        condition=lambda value: in_state(value, assumed_now.get()),
        describe=lambda value: State(value).label.lower(),
        indexed_sorts=status_indexed_sorts,
        rare=lambda value: value != State.ACTIVE,
        superset=status_superset,
        main_subset=status_main_subset,
    ),
    "role": choice_filter(
        ACCESS_LEVELS,
        label="Access level",
        condition=access_level_condition,
        describe=lambda value: value,
        indexed_sorts=joined_sort_for("staff"),
        rare=always_true,
    ),
    "group": FilterSpec(
        label="Role",
        parse=require_printable,
        choices=role_choices,
        condition=group_condition,
        describe=lambda value: f"with the role {value}",
        rare=always_true,
    ),
    "domain": FilterSpec(
        label="Domain",
        parse=parse_domain,
        placeholder="example.com",
        condition=lambda value: Q(email_domain=value),
        describe=lambda value: f"at {value}",
        indexed_sorts=lambda value: JOINED_SORT,
        rare=always_true,
    ),
    "verified": choice_filter(
        YES_NO,
        label="Verified address",
        condition=lambda value: Q(email_verified_at__isnull=value == "no"),
        describe=lambda value: f"{with_or_without(value)} a verified address",
        indexed_sorts=joined_sort_for("no"),
    ),
    "bounced": choice_filter(
        YES_NO,
        label=field_label("email_bounced_at"),
        condition=lambda value: Q(email_bounced_at__isnull=value == "no"),
        describe=describe_bounce,
        indexed_sorts=joined_sort_for("yes"),
        rare=lambda value: value == "yes",
    ),
    "mfa": choice_filter(
        YES_NO,
        label=field_label("has_second_factor"),
        condition=lambda value: Q(has_second_factor=value == "yes"),
        describe=lambda value: f"{with_or_without(value)} a second factor",
        indexed_sorts=joined_sort_for("yes"),
        rare=lambda value: value == "yes",
    ),
    "must_change": choice_filter(
        YES_NO,
        label=field_label("must_change_password"),
        condition=lambda value: Q(must_change_password=value == "yes"),
        describe=describe_password_change,
        indexed_sorts=joined_sort_for("yes"),
        rare=lambda value: value == "yes",
    ),
    "announcements": choice_filter(
        YES_NO,
        label=field_label("accepts_announcements"),
        condition=lambda value: Q(accepts_announcements=value == "yes"),
        describe=describe_consent,
        indexed_sorts=joined_sort_for("yes"),
    ),
    "joined_from": range_filter(
        label="Joined from",
        parse=parse_day,
        placeholder=DAY_EXAMPLE,
        describe=lambda value: f"that joined {describe_since(value)}",
        key_range=lambda value: ("joined", KeyRange(day_start(value))),
    ),
    "joined_to": range_filter(
        label="Joined until",
        parse=parse_day,
        placeholder=DAY_EXAMPLE,
        describe=lambda value: f"that joined {describe_until(value)}",
        key_range=lambda value: ("joined", KeyRange(stop=day_end(value))),
    ),
    "seen_from": range_filter(
        label="Last seen from",
        parse=parse_day,
        placeholder=DAY_EXAMPLE,
        describe=lambda value: f"last seen {describe_since(value)}",
        key_range=lambda value: ("seen", KeyRange(day_start(value))),
    ),
    "seen_to": range_filter(
        label="Last seen until",
        parse=parse_day,
        placeholder=DAY_EXAMPLE,
        describe=lambda value: f"last seen {describe_until(value)}",
        key_range=lambda value: ("seen", KeyRange(FIRST_SEEN, day_end(value))),
    ),
    "never_seen": range_filter(
        label="Never seen",
        parse=choice_parser(*YES_NO),
        choices=lambda: list(YES_NO.items()),
        describe=describe_never_seen,
        key_range=seen_choice_range,
    ),
    "source": FilterSpec(
        label=field_label("source"),
        parse=require_printable,
        choices=source_choices,
        condition=lambda value: Q(source=value),
        describe=lambda value: f"imported from {value}",
        indexed_sorts=lambda value: JOINED_SORT,
    ),
    "missing": choice_filter(
        MISSING_FIELDS,
        label="Missing",
        condition=missing_condition,
        describe=lambda value: f"that have no {value}",
        indexed_sorts=missing_indexed_sorts,
        rare=always_true,
        key_range=lambda value: (value, EMPTY_TEXT),
    ),
    "ip": FilterSpec(
        label="Signed in from",
        parse=parse_ip,
        placeholder="203.0.113.7",
        condition=signed_in_from,
        describe=lambda value: f"that signed in from {value}",
        rare=always_true,
        uncached=True,
    ),
    "list": FilterSpec(
        label="Pasted list",
        parse=parse_list_id,
        condition=accounts_on_list,
        describe=lambda value: f"on list {value}",
        uncached=True,
        personal=True,
    ),
}


def is_range_of(name: str, value: str, sort: str) -> bool:
    """Returns whether the filter is a range of the sort's key."""
    return FILTERS[name].key_range(value)[0] == sort


def filters_range(values: dict[str, str], sort: str) -> KeyRange:
    """Returns the intersection of the filters' ranges of the sort's key."""
    intersection = FULL_RANGE
    for name, value in values.items():
        range_sort, key_range = FILTERS[name].key_range(value)
        if range_sort == sort:
            intersection &= key_range
    return intersection


def index_holds_order(values: dict[str, str], sort: str) -> bool:
    """Returns whether some index holds exactly the matches of all filters in the sort's order."""
    others = [name for name, value in values.items() if not is_range_of(name, value, sort)]
    return len(others) <= 1 and all(
        sort in FILTERS[name].indexed_sorts(values[name]) for name in others
    )


def index_conditions(values: dict[str, str], sort: str) -> list[Q]:
    """Returns the conditions that have an index in the sort's order, rare ones first."""
    indexed = [
        name
        for name, value in values.items()
        if sort in FILTERS[name].indexed_sorts(value) and not is_range_of(name, value, sort)
    ]
    indexed.sort(key=lambda name: not FILTERS[name].rare(values[name]))
    return [FILTERS[name].condition(values[name]) for name in indexed]


def superset_conditions(values: dict[str, str]) -> list[Q]:
    """Returns the supersets of the filters that have one."""
    supersets = [FILTERS[name].superset(value) for name, value in values.items()]
    return [condition for condition in supersets if condition is not None]
