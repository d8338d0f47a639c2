"""The directory's filters, one entry each: what values it takes, which accounts it means, and how
it reads in words.
"""

import re
import unicodedata
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import BooleanField, Func, Q, Value
from django.db.models.expressions import RawSQL
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from users.directory.keyset import FULL_RANGE, NEVER_SEEN, SORT_COLUMNS, KeyRange
from users.identifiers import INVISIBLE_CATEGORIES, fold_identifier
from users.models import State, User, in_state

FIRST_SEEN = NEVER_SEEN + timedelta(microseconds=1)
# What conditions take for the present while a statement is put together that is to be run at other
# times.
assumed_now: ContextVar[datetime | None] = ContextVar("assumed", default=None)
DAYS_PER_UNIT = {"d": 1, "w": 7, "m": 30, "y": 365}
UNIT_NAMES = {"d": "days", "w": "weeks", "m": "months", "y": "years"}
ACCESS_LEVELS = {"staff": "Staff", "superuser": "Superusers"}
EMPTY_TEXT = KeyRange("", "\x01")  # nothing that is stored begins with a control character
MISSING_CHOICES = {"email": "no email", "name": "no name"}


# PostgreSQL, if it knew that nearly all are active, would look for active ones from the end of any
# index, and at the million that come first and are not.
OPAQUE_ACTIVE = RawSQL("(SELECT 'active')", ())
NO_SORTS: frozenset[str] = frozenset()
JOINED_SORT = frozenset({"joined"})
EVERY_SORT = frozenset({"joined", "username", "email", "name", "seen"})


class EmptyEmail(Func):
    """SQLite knows how many addresses there are and not that one of them is frequent: told nothing,
    it would read all who have none, and sort them.
    """

    template = "(%(expressions)s = '')"
    output_field = BooleanField()
    conditional = True
    arity = 1

    def as_sqlite(self, compiler, connection, **context):
        return self.as_sql(
            compiler, connection, template="likelihood(%(expressions)s = '', 0.05)", **context
        )


@dataclass(frozen=True)
class FilterSpec:
    """`parse` gives the canonical value or raises ValueError with a sentence. `words` follows
    "accounts …".
    """

    label: str
    parse: Callable[[str], str]
    condition: Callable[[str], Q]
    words: Callable[[str], str]
    # The sorts in which an index holds the accounts of this value in order; elsewhere the finder
    # bounds its work.
    ordered: Callable[[str], frozenset[str]] = lambda value: NO_SORTS
    # Whether few accounts have this value, as a rule.
    seldom: Callable[[str], bool] = lambda value: False
    # What is true of all these accounts and of few others, and is held in order everywhere.
    near: Callable[[str], Q | None] = lambda value: None
    # What is true of nearly all these accounts, and is held in the order of joining where the whole
    # is not.
    most: Callable[[str], Q | None] = lambda value: None
    # For a range of the key of a sort: that sort, and the range.
    span: Callable[[str], tuple[str, KeyRange]] = lambda value: ("", FULL_RANGE)


def range_filter(
    label: str,
    parse: Callable[[str], str],
    span: Callable[[str], tuple[str, KeyRange]],
    words: Callable[[str], str],
    seldom: Callable[[str], bool] = lambda value: False,
) -> FilterSpec:
    """A filter that is a range of the key of a sort, and so in order there."""
    return FilterSpec(
        label,
        parse,
        lambda value: range_condition(*span(value)),
        words,
        lambda value: frozenset({span(value)[0]}),
        seldom,
        span=span,
    )


def range_condition(sort: str, span: KeyRange) -> Q:
    """Over the key that the index is made of, which is not always the column."""
    key = SORT_COLUMNS[sort].key
    start = Q() if span.start is None else Q(GreaterThanOrEqual(key, Value(span.start)))
    return start if span.stop is None else start & Q(LessThan(key, Value(span.stop)))


def choice_parser(*allowed: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"Allowed values: {', '.join(allowed)}.")
        return value

    return parse


parse_yes_no = choice_parser("yes", "no")


def parse_domain(value: str) -> str:
    name = fold_identifier(value.strip()).removeprefix("@")
    if not re.fullmatch(r"[^\s@,/\\]{1,254}", name):
        raise ValueError("Enter a domain such as example.com.")
    return require_printable(name)


def require_printable(value: str) -> str:
    if any(unicodedata.category(char) in INVISIBLE_CATEGORIES for char in value):
        raise ValueError("It contains a character that can’t be stored, so nothing can match it.")
    return value


def parse_day(value: str) -> str:
    """An ISO date, or days before today such as -30d, -2w, -6m, -1y; relative dates stay relative."""
    try:
        if re.fullmatch(r"-[0-9]{1,4}[dwmy]", value):
            day_start(value)
            return value
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
    except (ValueError, OverflowError):
        raise ValueError("Enter a date such as 2026-03-31, or -30d for 30 days ago.") from None


def day_start(value: str) -> datetime:
    """The first instant of that day, in UTC."""
    if value.startswith("-"):
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=int(value[1:-1]) * DAYS_PER_UNIT[value[-1]])
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def day_end(value: str) -> datetime:
    """The first instant after that day, in UTC. The last day that there is has no day after it."""
    start = day_start(value)
    return start + timedelta(days=1) if start.year < 9999 else start


def access_level_condition(value: str) -> Q:
    return Q(is_superuser=True) if value == "superuser" else Q(is_staff=True)


def group_condition(value: str) -> Q:
    return Q(pk__in=User.groups.through.objects.filter(group__name=value).values("user_id"))


def joined_sort_for(value_with_index: str) -> Callable[[str], frozenset[str]]:
    return lambda value: JOINED_SORT if value == value_with_index else NO_SORTS


def always_true(value: str) -> bool:
    return True


def since(value: str) -> str:
    """The first day of a range in words, such as "in the last 30 days"."""
    return f"in the last {duration(value)}" if value.startswith("-") else f"since {value}"


def undo_deadline(value: str) -> str:
    """The last day of a range in words, such as "at least 30 days ago"."""
    return f"at least {duration(value)} ago" if value.startswith("-") else f"until {value}"


def duration(value: str) -> str:
    """A relative date such as -30d, as "30 days"."""
    number = int(value[1:-1])
    unit = UNIT_NAMES[value[-1]]
    return f"{number} {unit.removesuffix('s') if number == 1 else unit}"


# In the order of the words: "active staff with the role Support at example.com that …".
FILTERS = {
    "status": FilterSpec(
        "Status",
        choice_parser(*State.values),
        lambda value: in_state(value, assumed_now.get()),
        lambda value: State(value).label.lower(),
        lambda value: NO_SORTS if value in (State.ACTIVE, State.ENDED) else EVERY_SORT,
        lambda value: value != State.ACTIVE,
        lambda value: Q(valid_until__isnull=False) if value == State.ENDED else None,
        lambda value: Q(status=OPAQUE_ACTIVE) if value == State.ACTIVE else None,
    ),
    "role": FilterSpec(
        "Access level",
        choice_parser(*ACCESS_LEVELS),
        access_level_condition,
        lambda value: value,
        joined_sort_for("staff"),
        always_true,
    ),
    "group": FilterSpec(
        "Role",
        require_printable,
        group_condition,
        lambda value: f"with the role {value}",
        seldom=always_true,
    ),
    "domain": FilterSpec(
        "Domain",
        parse_domain,
        lambda value: Q(email_domain=value),
        lambda value: f"at {value}",
        lambda value: JOINED_SORT,
        always_true,
    ),
    "verified": FilterSpec(
        "Verified address",
        parse_yes_no,
        lambda value: Q(email_verified_at__isnull=value == "no"),
        lambda value: f"{'with' if value == 'yes' else 'without'} a verified address",
        joined_sort_for("no"),
    ),
    "mfa": FilterSpec(
        "Second factor",
        parse_yes_no,
        lambda value: Q(has_second_factor=value == "yes"),
        lambda value: f"{'with' if value == 'yes' else 'without'} a second factor",
        joined_sort_for("yes"),
        lambda value: value == "yes",
    ),
    "must_change": FilterSpec(
        "Must change password",
        parse_yes_no,
        lambda value: Q(must_change_password=value == "yes"),
        lambda value: (
            f"that {'must' if value == 'yes' else 'do not have to'} change their password"
        ),
        joined_sort_for("yes"),
        lambda value: value == "yes",
    ),
    "joined_from": range_filter(
        "Joined from",
        parse_day,
        lambda value: ("joined", KeyRange(day_start(value))),
        lambda value: f"that joined {since(value)}",
    ),
    "joined_to": range_filter(
        "Joined until",
        parse_day,
        lambda value: ("joined", KeyRange(stop=day_end(value))),
        lambda value: f"that joined {undo_deadline(value)}",
    ),
    "seen_from": range_filter(
        "Last seen from",
        parse_day,
        lambda value: ("seen", KeyRange(day_start(value))),
        lambda value: f"last seen {since(value)}",
    ),
    "seen_to": range_filter(
        "Last seen until",
        parse_day,
        lambda value: ("seen", KeyRange(FIRST_SEEN, day_end(value))),
        lambda value: f"last seen {undo_deadline(value)}",
    ),
    "never_seen": range_filter(
        "Never seen",
        parse_yes_no,
        lambda value: (
            "seen",
            KeyRange(NEVER_SEEN, FIRST_SEEN) if value == "yes" else KeyRange(FIRST_SEEN),
        ),
        lambda value: "that were never seen" if value == "yes" else "that have been seen",
    ),
    "source": FilterSpec(
        "Source",
        require_printable,
        lambda value: Q(source=value),
        lambda value: f"imported from {value}",
        lambda value: JOINED_SORT,
    ),
    "missing": FilterSpec(
        "Missing",
        choice_parser(*MISSING_CHOICES),
        lambda value: (
            Q(EmptyEmail("email")) if value == "email" else range_condition("name", EMPTY_TEXT)
        ),
        lambda value: f"that have {MISSING_CHOICES[value]}",
        lambda value: EVERY_SORT if value == "email" else frozenset({"name"}),
        always_true,
        span=lambda value: (value, EMPTY_TEXT),
    ),
}


def is_range_of(name: str, value: str, sort: str) -> bool:
    """Whether the filter is a range of the sort's key."""
    return FILTERS[name].span(value)[0] == sort


def filters_range(values: dict[str, str], sort: str) -> KeyRange:
    """What the filters that are ranges of the sort's key leave of it."""
    within = FULL_RANGE
    for name, value in values.items():
        within &= FILTERS[name].span(value)[1] if is_range_of(name, value, sort) else FULL_RANGE
    return within


def index_conditions(values: dict[str, str], sort: str) -> list[Q]:
    """The filters whose accounts an index holds in the sort's order, those that few accounts meet
    first.
    """
    held = [
        (FILTERS[name], value)
        for name, value in values.items()
        if sort in FILTERS[name].ordered(value) and not is_range_of(name, value, sort)
    ]
    held.sort(key=lambda each: not each[0].seldom(each[1]))
    return [parameter.condition(value) for parameter, value in held]


def superset_conditions(values: dict[str, str]) -> list[Q]:
    """What an index holds in every order, and is not much more than the accounts of one of the
    filters.
    """
    return [
        near for name, value in values.items() if (near := FILTERS[name].near(value)) is not None
    ]
