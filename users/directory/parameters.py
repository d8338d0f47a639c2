"""The directory's filters, one entry each: what values it takes, which accounts it means, and how it reads in words."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q, Value
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, LessThan

from users.identifiers import INVISIBLE, fold
from users.models import SeenKey, State, User, in_state

NEVER = datetime(1, 1, 1, tzinfo=UTC)  # what SeenKey says for accounts that were never seen
UNITS = {"d": 1, "w": 7, "m": 30, "y": 365}
SPANS = {"d": "days", "w": "weeks", "m": "months", "y": "years"}
ROLES = {"staff": "Staff", "superuser": "Superusers"}
MISSING = {"email": (Q(email=""), "no email"), "name": (Q(name_key=""), "no name")}


NOWHERE: frozenset[str] = frozenset()
JOINED, SEEN = frozenset({"joined"}), frozenset({"seen"})
EVERYWHERE = frozenset({"joined", "username", "email", "name", "seen"})


@dataclass(frozen=True)
class Parameter:
    """`parse` gives the canonical value or raises ValueError with a sentence. `words` follows "accounts …"."""

    label: str
    parse: Callable[[str], str]
    condition: Callable[[str], Q]
    words: Callable[[str], str]
    # The sorts in which an index holds the accounts of this value in order; elsewhere the finder bounds its work.
    ordered: Callable[[str], frozenset[str]] = lambda value: NOWHERE
    # Whether few accounts have this value, as a rule.
    seldom: Callable[[str], bool] = lambda value: False


def choice(*allowed: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"It takes: {', '.join(allowed)}.")
        return value

    return parse


yes_or_no = choice("yes", "no")


def domain(value: str) -> str:
    name = fold(value.strip()).removeprefix("@")
    if not re.fullmatch(r"[^\s@,/\\]{1,254}", name):
        raise ValueError("It takes a domain such as example.com.")
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
        raise ValueError("It takes a date such as 2026-03-31, or -30d for thirty days ago.") from None


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


def seen(lookup: type, at: datetime) -> Q:
    """Over the key that the index is made of, not over the column."""
    return Q(lookup(SeenKey("last_seen_at"), Value(at)))


def where(value_with_index: str) -> Callable[[str], frozenset[str]]:
    return lambda value: JOINED if value == value_with_index else NOWHERE


def always(value: str) -> bool:
    return True


def in_words(value: str) -> str:
    return f"{int(value[1:-1])} {SPANS[value[-1]]} ago" if value[0] == "-" else value


# In the order of the words: "active staff in the group Support at example.com that …".
PARAMETERS = {
    "status": Parameter(
        "Status",
        choice(*State.values),
        in_state,
        lambda value: State(value).label.lower(),
        lambda value: NOWHERE if value in (State.ACTIVE, State.ENDED) else EVERYWHERE,
        lambda value: value != State.ACTIVE,
    ),
    "role": Parameter("Role", choice(*ROLES), role, lambda value: value, where("staff"), always),
    "group": Parameter("Group", printable, group, lambda value: f"in the group {value}", seldom=always),
    "domain": Parameter(
        "Domain", domain, lambda value: Q(email_domain=value), lambda value: f"at {value}", lambda value: JOINED, always
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
        lambda value: f"that {'must' if value == 'yes' else 'need not'} change their password",
        where("yes"),
        lambda value: value == "yes",
    ),
    "joined_from": Parameter(
        "Joined from",
        day,
        lambda value: Q(date_joined__gte=start_of(value)),
        lambda value: f"that joined since {in_words(value)}",
        lambda value: JOINED,
    ),
    "joined_to": Parameter(
        "Joined until",
        day,
        lambda value: Q(date_joined__lt=end_of(value)),
        lambda value: f"that joined until {in_words(value)}",
        lambda value: JOINED,
    ),
    "seen_from": Parameter(
        "Seen from",
        day,
        lambda value: seen(GreaterThanOrEqual, start_of(value)),
        lambda value: f"seen since {in_words(value)}",
        lambda value: SEEN,
    ),
    "seen_to": Parameter(
        "Last seen until",
        day,
        lambda value: seen(LessThan, end_of(value)) & seen(GreaterThan, NEVER),
        lambda value: f"last seen until {in_words(value)}",
        lambda value: SEEN,
    ),
    "never_seen": Parameter(
        "Never seen",
        yes_or_no,
        lambda value: seen(Exact if value == "yes" else GreaterThan, NEVER),
        lambda value: "that were never seen" if value == "yes" else "that have been seen",
        lambda value: SEEN,
    ),
    "source": Parameter(
        "Source", printable, lambda value: Q(source=value), lambda value: f"imported from {value}", lambda value: JOINED
    ),
    "missing": Parameter(
        "Has no",
        choice(*MISSING),
        lambda value: MISSING[value][0],
        lambda value: f"that have {MISSING[value][1]}",
        seldom=always,
    ),
}
