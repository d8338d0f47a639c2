"""What an event says, in words."""

import re
from datetime import datetime

from users.audit.actions import ACTION_LABELS
from users.fields import label_in_text


def action_label(event) -> str:
    return ACTION_LABELS.get(event.action, event.action)


def described_changes(event) -> list[dict[str, str]]:
    """The changed fields of an event in words, each with its value before and after; nothing that
    says nothing.
    """
    names = [*event.after, *(name for name in event.before if name not in event.after)]
    pairs = [
        (name, readable_value(event.before.get(name)), readable_value(event.after.get(name)))
        for name in names
    ]
    return [
        {"label": label_in_text(name), "before": before, "after": after}
        for name, before, after in pairs
        if not (name == "status_reason" and after in ("", event.reason))
        and (before or after not in ("", "no"))
    ]


def changed_field_names(event) -> str:
    """The names of the fields that an event changed, where the values are gone."""
    return ", ".join(label_in_text(name) for name in sorted({*event.before, *event.after}))


def readable_value(value) -> str:
    """A value of an event's JSON: points in time were stored as ISO 8601 text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*Z", value):
        return f"{datetime.fromisoformat(value):%-d %b %Y, %H:%M} UTC"
    return "" if value is None else str(value)
