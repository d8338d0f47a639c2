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

from users.directory.keyset import ANYWHERE, COLUMNS, NEVER, Span
from users.identifiers import INVISIBLE, fold
from users.models import State, User, in_state

EVER = NEVER + timedelta(microseconds=1)
# What conditions take for the present while a statement is put together that is to be run at other
# times.
assumed: ContextVar[datetime | None] = ContextVar("assumed", default=None)
UNITS = {"d": 1, "w": 7, "m": 30, "y": 365}
SPANS = {"d": "days", "w": "weeks", "m": "months", "y": "years"}
ROLES = {"staff": "Staff", "superuser": "Superusers"}
EMPTY = Span("", "\x01")  # nothing that is stored begins with a control character
MISSING = {"email": "no email", "name": "no name"}


# PostgreSQL, if it knew that nearly all are active, would look for active ones from the end of any
# index, and at the million that come first and are not.
SOME_STATUS = RawSQL("(SELECT 'active')", ())
NOWHERE: frozenset[str] = frozenset()
JOINED = frozenset({"joined"})
EVERYWHERE = frozenset({"joined", "username", "email", "name", "seen"})


class NoEmail(Func):
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
class Parameter:
    """`parse` gives the canonical value or raises ValueError with a sentence. `words` follows
    "accounts …".
    """

    label: str
    parse: Callable[[str], str]
    condition: Callable[[str], Q]
    words: Callable[[str], str]
    # The sorts in which an index holds the accounts of this value in order; elsewhere the finder
    # bounds its work.
    ordered: Callable[[str], frozenset[str]] = lambda value: NOWHERE
    # Whether few accounts have this value, as a rule.
    seldom: Callable[[str], bool] = lambda value: False
    # What is true of all these accounts and of few others, and is held in order everywhere.
    near: Callable[[str], Q | None] = lambda value: None
    # What is true of nearly all these accounts, and is held in the order of joining where the whole
    # is not.
    most: Callable[[str], Q | None] = lambda value: None
    # For a range of the key of a sort: that sort, and the range.
    span: Callable[[str], tuple[str, Span]] = lambda value: ("", ANYWHERE)


def ranging(
    label: str,
    parse: Callable[[str], str],
    span: Callable[[str], tuple[str, Span]],
    words: Callable[[str], str],
    seldom: Callable[[str], bool] = lambda value: False,
) -> Parameter:
    """A filter that is a range of the key of a sort, and so in order there."""
    return Parameter(
        label,
        parse,
        lambda value: in_span(*span(value)),
        words,
        lambda value: frozenset({span(value)[0]}),
        seldom,
        span=span,
    )


def in_span(sort: str, span: Span) -> Q:
    """Over the key that the index is made of, which is not always the column."""
    key = COLUMNS[sort].key
    start = Q() if span.start is None else Q(GreaterThanOrEqual(key, Value(span.start)))
    return start if span.stop is None else start & Q(LessThan(key, Value(span.stop)))


def choice(*allowed: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"Allowed values: {', '.join(allowed)}.")
        return value

    return parse


yes_or_no = choice("yes", "no")


def domain(value: str) -> str:
    name = fold(value.strip()).removeprefix("@")
    if not re.fullmatch(r"[^\s@,/\\]{1,254}", name):
        raise ValueError("Enter a domain such as example.com.")
    return printable(name)


def printable(value: str) -> str:
    if any(unicodedata.category(char) in INVISIBLE for char in value):
        raise ValueError("It contains a character that can’t be stored, so nothing can match it.")
    return value


def day(value: str) -> str:
    """An ISO date, or days before today such as -30d, -2w, -6m, -1y; relative dates stay relative."""
    try:
        if re.fullmatch(r"-[0-9]{1,4}[dwmy]", value):
            start_of(value)
            return value
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
    except (ValueError, OverflowError):
        raise ValueError("Enter a date such as 2026-03-31, or -30d for 30 days ago.") from None


def start_of(value: str) -> datetime:
    """The first instant of that day, in UTC."""
    if value.startswith("-"):
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=int(value[1:-1]) * UNITS[value[-1]])
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def end_of(value: str) -> datetime:
    """The first instant after that day, in UTC. The last day that there is has no day after it."""
    start = start_of(value)
    return start + timedelta(days=1) if start.year < 9999 else start


def role(value: str) -> Q:
    return Q(is_superuser=True) if value == "superuser" else Q(is_staff=True)


def group(value: str) -> Q:
    return Q(pk__in=User.groups.through.objects.filter(group__name=value).values("user_id"))


def where(value_with_index: str) -> Callable[[str], frozenset[str]]:
    return lambda value: JOINED if value == value_with_index else NOWHERE


def always(value: str) -> bool:
    return True


def since(value: str) -> str:
    """The first day of a range in words, such as "in the last 30 days"."""
    return f"in the last {duration(value)}" if value.startswith("-") else f"since {value}"


def until(value: str) -> str:
    """The last day of a range in words, such as "at least 30 days ago"."""
    return f"at least {duration(value)} ago" if value.startswith("-") else f"until {value}"


def duration(value: str) -> str:
    """A relative date such as -30d, as "30 days"."""
    number = int(value[1:-1])
    unit = SPANS[value[-1]]
    return f"{number} {unit.removesuffix('s') if number == 1 else unit}"


# In the order of the words: "active staff with the role Support at example.com that …".
PARAMETERS = {
    "status": Parameter(
        "Status",
        choice(*State.values),
        lambda value: in_state(value, assumed.get()),
        lambda value: State(value).label.lower(),
        lambda value: NOWHERE if value in (State.ACTIVE, State.ENDED) else EVERYWHERE,
        lambda value: value != State.ACTIVE,
        lambda value: Q(valid_until__isnull=False) if value == State.ENDED else None,
        lambda value: Q(status=SOME_STATUS) if value == State.ACTIVE else None,
    ),
    "role": Parameter(
        "Access level", choice(*ROLES), role, lambda value: value, where("staff"), always
    ),
    "group": Parameter(
        "Role", printable, group, lambda value: f"with the role {value}", seldom=always
    ),
    "domain": Parameter(
        "Domain",
        domain,
        lambda value: Q(email_domain=value),
        lambda value: f"at {value}",
        lambda value: JOINED,
        always,
    ),
    "verified": Parameter(
        "Verified address",
        yes_or_no,
        lambda value: Q(email_verified_at__isnull=value == "no"),
        lambda value: f"{'with' if value == 'yes' else 'without'} a verified address",
        where("no"),
    ),
    "mfa": Parameter(
        "Second factor",
        yes_or_no,
        lambda value: Q(has_second_factor=value == "yes"),
        lambda value: f"{'with' if value == 'yes' else 'without'} a second factor",
        where("yes"),
        lambda value: value == "yes",
    ),
    "must_change": Parameter(
        "Must change password",
        yes_or_no,
        lambda value: Q(must_change_password=value == "yes"),
        lambda value: (
            f"that {'must' if value == 'yes' else 'do not have to'} change their password"
        ),
        where("yes"),
        lambda value: value == "yes",
    ),
    "joined_from": ranging(
        "Joined from",
        day,
        lambda value: ("joined", Span(start_of(value))),
        lambda value: f"that joined {since(value)}",
    ),
    "joined_to": ranging(
        "Joined until",
        day,
        lambda value: ("joined", Span(stop=end_of(value))),
        lambda value: f"that joined {until(value)}",
    ),
    "seen_from": ranging(
        "Last seen from",
        day,
        lambda value: ("seen", Span(start_of(value))),
        lambda value: f"last seen {since(value)}",
    ),
    "seen_to": ranging(
        "Last seen until",
        day,
        lambda value: ("seen", Span(EVER, end_of(value))),
        lambda value: f"last seen {until(value)}",
    ),
    "never_seen": ranging(
        "Never seen",
        yes_or_no,
        lambda value: ("seen", Span(NEVER, EVER) if value == "yes" else Span(EVER)),
        lambda value: "that were never seen" if value == "yes" else "that have been seen",
    ),
    "source": Parameter(
        "Source",
        printable,
        lambda value: Q(source=value),
        lambda value: f"imported from {value}",
        lambda value: JOINED,
    ),
    "missing": Parameter(
        "Missing",
        choice(*MISSING),
        lambda value: Q(NoEmail("email")) if value == "email" else in_span("name", EMPTY),
        lambda value: f"that have {MISSING[value]}",
        lambda value: EVERYWHERE if value == "email" else frozenset({"name"}),
        always,
        span=lambda value: (value, EMPTY),
    ),
}


def ranges(name: str, value: str, sort: str) -> bool:
    """Whether the filter is a range of the sort's key."""
    return PARAMETERS[name].span(value)[0] == sort


def span(values: dict[str, str], sort: str) -> Span:
    """What the filters that are ranges of the sort's key leave of it."""
    within = ANYWHERE
    for name, value in values.items():
        within &= PARAMETERS[name].span(value)[1] if ranges(name, value, sort) else ANYWHERE
    return within


def lanes(values: dict[str, str], sort: str) -> list[Q]:
    """The filters whose accounts an index holds in the sort's order, those that few accounts meet
    first.
    """
    held = [
        (PARAMETERS[name], value)
        for name, value in values.items()
        if sort in PARAMETERS[name].ordered(value) and not ranges(name, value, sort)
    ]
    held.sort(key=lambda each: not each[0].seldom(each[1]))
    return [parameter.condition(value) for parameter, value in held]


def nearly(values: dict[str, str]) -> list[Q]:
    """What an index holds in every order, and is not much more than the accounts of one of the
    filters.
    """
    return [
        near for name, value in values.items() if (near := PARAMETERS[name].near(value)) is not None
    ]
