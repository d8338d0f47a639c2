"""The filters of the audit trail, one declaration each: TRAIL_FILTERS.

A declaration states which values a filter takes, which events match, which tokens each of them has,
and how it reads in words. A new filter is an entry here; one that is not found by its tokens needs
them in tokens.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_network
from uuid import UUID

from django.db.models import Q

from users.audit.actions import ACTION_LABELS
from users.audit.models import DENIED
from users.audit.origin import plain_address
from users.audit.trail import conditions, tokens
from users.audit.trail.tokens import token_number
from users.fields import ACCOUNT_FIELDS, label_in_text
from users.typed_text import isolate_text
from users.web.days import (
    DAY_EXAMPLE,
    day_end,
    day_start,
    describe_since,
    describe_until,
    parse_day,
)
from users.web.query_string import is_id_text

Choices = list[tuple[str, str]]
TEXT_MAX = 200
SESSION_EXAMPLE = "3f0d2c1e-8a47-4b6e-9d15-7c20be94a6f8"
OUTCOMES = {
    "done": "Done",
    "refused": "Refused",
}
# What the first word of an action stands for, where the word alone does not say it.
KIND_LABELS = {
    "account": "Accounts",
    "accounts": "Demo accounts",
    "audit": "Audit trail",
    "view": "Shared views",
}
# Fields of events that are no fields of the account.
OTHER_FIELDS = ("groups", "permissions", "sessions")


@dataclass(
    frozen=True,
    kw_only=True,
)
class TrailFilterSpec:
    """One filter. The functions take a value in normal form, except for `parse`."""

    label: str
    # Returns the normal form of a value, or raises ValueError with a message for the user.
    parse: Callable[[str], str]
    condition: Callable[[str], Q]
    # The text of the chip.
    describe: Callable[[str], str]
    # Numbers that are tokens of every event that matches.
    tokens: Callable[[str], Iterable[int]] = lambda value: ()
    # Returns the allowed values with labels. None if any text is allowed.
    choices: Callable[[], Choices] | None = None
    placeholder: str = ""
    # The column, if an index has its events in order.
    column: str = ""
    # Whether it finds what is masked for viewers who may not see personal data.
    is_personal: bool = False
    # Whether it takes a day in the viewer's zone.
    is_day: bool = False


def choice_of(choices: Callable[[], Choices], label: str) -> Callable[[str], str]:
    """Returns the parser of a filter with a set of values."""

    def parse_choice(value: str) -> str:
        if value not in dict(choices()):
            raise ValueError(f"Choose one of the values of “{label}”.")
        return value

    return parse_choice


def action_choices() -> Choices:
    labelled = sorted(ACTION_LABELS.items(), key=lambda pair: pair[1])
    return [(action, label) for action, label in labelled]


def kind_choices() -> Choices:
    kinds = {action.partition(".")[0] for action in ACTION_LABELS if "." in action}
    labelled = [(kind, kind_label(kind)) for kind in kinds]
    return sorted(labelled, key=lambda pair: pair[1])


def kind_label(kind: str) -> str:
    return KIND_LABELS.get(kind, f"{kind.replace('_', ' ').capitalize()}s")


def field_choices() -> Choices:
    names = [field.name for field in ACCOUNT_FIELDS if field.name != "search_key"]
    labelled = [(name, sentence_case(label_in_text(name))) for name in (*names, *OTHER_FIELDS)]
    return sorted(dict(labelled).items(), key=lambda pair: pair[1])


def outcome_choices() -> Choices:
    return list(OUTCOMES.items())


def sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


def parse_account_id(value: str) -> str:
    if not is_id_text(value):
        raise ValueError("Enter an account ID such as 42.")
    return str(int(value))


def parse_job_id(value: str) -> str:
    if not is_id_text(value):
        raise ValueError("Enter a job ID such as 7.")
    return str(int(value))


def parse_session_id(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise ValueError(f"Enter a session ID such as {SESSION_EXAMPLE}.") from None


def parse_network(value: str) -> str:
    """Returns an address, or a network in its normal form."""
    try:
        if "/" in value:
            return str(ip_network(value.strip(), strict=False))
        return str(plain_address(value.strip()))
    except ValueError:
        raise ValueError("Enter an IP address such as 203.0.113.7, or 203.0.113.0/24.") from None


def parse_words(value: str) -> str:
    words = " ".join(value.split())
    if len(words) > TEXT_MAX:
        raise ValueError(f"Enter at most {TEXT_MAX} characters.")
    return words


def outcome_condition(value: str) -> Q:
    refused = Q(action=DENIED)
    return refused if value == "refused" else ~refused


def outcome_tokens(value: str) -> list[int]:
    if value == "refused":
        return [token_number("action", DENIED)]
    return [token_number("outcome", tokens.DONE)]


def one_token(kind: str) -> Callable[[str], list[int]]:
    return lambda value: [token_number(kind, value)]


def word_tokens(kind: str) -> Callable[[str], Iterable[int]]:
    return lambda value: tokens.text_tokens(kind, value)


def column_condition(column: str) -> Callable[[str], Q]:
    return lambda value: Q(**{column: value})


def quoted(start: str) -> Callable[[str], str]:
    """Returns `describe` of a filter by typed text."""
    return lambda value: f"{start} “{isolate_text(value)}”"


TRAIL_FILTERS = {
    "text": TrailFilterSpec(
        label="Reason or ticket",
        parse=parse_words,
        condition=conditions.text_condition,
        tokens=word_tokens("text"),
        describe=quoted("Reason or ticket contains"),
        placeholder="Reason or ticket",
    ),
    "actor": TrailFilterSpec(
        label="Actor",
        parse=parse_account_id,
        condition=column_condition("actor_id"),
        tokens=one_token("actor"),
        describe=lambda value: f"Actor: account {value}",
        placeholder="Actor",
        column="actor_id",
    ),
    "target": TrailFilterSpec(
        label="Affected account",
        parse=parse_account_id,
        condition=column_condition("target_id"),
        tokens=one_token("target"),
        describe=lambda value: f"Affected account: account {value}",
        placeholder="Affected account",
        column="target_id",
    ),
    "kind": TrailFilterSpec(
        label="Kind of action",
        parse=choice_of(kind_choices, "Kind of action"),
        choices=kind_choices,
        condition=lambda value: Q(action__startswith=f"{value}."),
        tokens=one_token("kind"),
        describe=lambda value: f"Kind: {kind_label(value).lower()}",
    ),
    "action": TrailFilterSpec(
        label="Action",
        parse=choice_of(action_choices, "Action"),
        choices=action_choices,
        condition=column_condition("action"),
        tokens=one_token("action"),
        describe=lambda value: f"Action: {ACTION_LABELS[value].lower()}",
        column="action",
    ),
    "outcome": TrailFilterSpec(
        label="Outcome",
        parse=choice_of(outcome_choices, "Outcome"),
        choices=outcome_choices,
        condition=outcome_condition,
        tokens=outcome_tokens,
        describe=lambda value: f"Outcome: {OUTCOMES[value].lower()}",
    ),
    "field": TrailFilterSpec(
        label="Field changed",
        parse=choice_of(field_choices, "Field changed"),
        choices=field_choices,
        condition=conditions.field_condition,
        tokens=one_token("field"),
        describe=lambda value: f"Field: {label_in_text(value)}",
    ),
    "value": TrailFilterSpec(
        label="Value before or after",
        parse=lambda value: value,
        condition=conditions.value_condition,
        tokens=lambda value: [tokens.scalar_token(value)],
        describe=quoted("Value is"),
        placeholder="Exact value",
        is_personal=True,
    ),
    "ip": TrailFilterSpec(
        label="IP address",
        parse=parse_network,
        condition=conditions.network_condition,
        tokens=tokens.wanted_address_tokens,
        describe=lambda value: f"IP address {value}",
        placeholder="203.0.113.0/24",
        is_personal=True,
    ),
    "browser": TrailFilterSpec(
        label="Browser",
        parse=parse_words,
        condition=conditions.browser_condition,
        tokens=word_tokens("browser"),
        describe=quoted("Browser contains"),
        placeholder="Firefox Linux",
    ),
    "session": TrailFilterSpec(
        label="Session",
        parse=parse_session_id,
        condition=column_condition("session_id"),
        tokens=one_token("session"),
        describe=lambda value: f"Session {value}",
        placeholder="ID of a session",
        is_personal=True,
    ),
    "job": TrailFilterSpec(
        label="Job",
        parse=parse_job_id,
        condition=column_condition("job_id"),
        tokens=one_token("job"),
        describe=lambda value: f"Job {value}",
        placeholder="ID of a job",
        column="job_id",
    ),
    "from": TrailFilterSpec(
        label="From",
        parse=parse_day,
        condition=lambda value: Q(at__gte=day_start(value)),
        describe=lambda value: sentence_case(describe_since(value)),
        placeholder=DAY_EXAMPLE,
        is_day=True,
    ),
    "to": TrailFilterSpec(
        label="Until",
        parse=parse_day,
        condition=lambda value: Q(at__lt=day_end(value)),
        describe=lambda value: sentence_case(describe_until(value)),
        placeholder=DAY_EXAMPLE,
        is_day=True,
    ),
}
