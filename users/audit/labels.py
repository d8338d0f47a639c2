"""What an event says, in words."""

import re
from datetime import datetime

from users.audit.actions import ACTIONS


# The fields that the pages name otherwise than their columns are named.
FIELD_LABELS = {
    "locale": "language",
    "groups": "roles",
    "status_reason": "reason for status",
    "valid_until": "end date",
    "has_second_factor": "second factor",
    "email_verified_at": "email verified",
}


def label_of(event) -> str:
    return ACTIONS.get(event.action, event.action)


def changes(event) -> list[dict[str, str]]:
    """The changed fields of an event in words, each with its value before and after; nothing that
    says nothing.
    """
    names = [*event.after, *(name for name in event.before if name not in event.after)]
    pairs = [
        (name, readable(event.before.get(name)), readable(event.after.get(name))) for name in names
    ]
    return [
        {"label": label(name), "before": before, "after": after}
        for name, before, after in pairs
        if not (name == "status_reason" and after in ("", event.reason))
        and (before or after not in ("", "no"))
    ]


def fields(event) -> str:
    """The names of the fields that an event changed, where the values are gone."""
    return ", ".join(label(name) for name in sorted({*event.before, *event.after}))


def label(name: str) -> str:
    return FIELD_LABELS.get(name) or name.removeprefix("is_").replace("_", " ")


def readable(value) -> str:
    """A value of an event's JSON: points in time were stored as ISO 8601 text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*Z", value):
        return f"{datetime.fromisoformat(value):%-d %b %Y, %H:%M} UTC"
    return "" if value is None else str(value)
