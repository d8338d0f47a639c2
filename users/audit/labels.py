"""Turns audit events into text: labels of actions and fields, readable values."""

import re
from contextlib import suppress
from datetime import datetime
from typing import Any

from users.audit.actions import ACTION_LABELS, JOB_COUNT_LABELS, VALUE_LABELS
from users.fields import label_in_text
from users.web.time_html import full_time_text

# Numbers of things; other numbers in events are IDs.
COUNTS = {
    "selected",
    "changed",
    "skipped",
    "failed",
    "unchanged",
    "accounts",
    "rows",
    "records",
    "items",
    "undecided",
    "letters",
    "events",
    "sessions",
    "reveals",
    "openings",
    "searches",
    "exports",
    "budget",
    "limit",
    # The lines of a pasted list, by outcome.
    "found",
    "repeated",
    "ambiguous",
    "missing",
}
JOB_FIELD_LABELS = {
    "kind": "action",
    "selection": "selection",
    "selected": "total",
}


def action_label(event) -> str:
    return ACTION_LABELS.get(event.action, event.action)


def described_changes(event) -> list[dict[str, str]]:
    """Returns label, old and new value of each changed field. Fields that were empty and still are,
    and a status reason that repeats the event's reason, are left out.
    """
    if event.action.startswith("job."):
        return job_facts(event)
    changes = []
    for name in dict.fromkeys([*event.after, *event.before]):
        before = readable_value(event.before.get(name), name)
        after = readable_value(event.after.get(name), name)
        is_empty = not before and after in ("", "no")
        repeats_reason = name == "status_reason" and after in ("", event.reason)
        if not is_empty and not repeats_reason:
            changes.append(
                {
                    "label": label_in_text(name),
                    "before": before,
                    "after": after,
                }
            )
    return changes


def job_facts(event) -> list[dict[str, str]]:
    """Returns what an event tells about its job. Its state follows from the action."""
    labels = JOB_FIELD_LABELS | JOB_COUNT_LABELS.get(str(event.after.get("kind")), {})
    facts = []
    for name, value in event.after.items():
        if value and name != "state":
            label = labels.get(name, name).lower()
            fact = {
                "label": label,
                "before": "",
                "after": readable_value(value, name),
            }
            facts.append(fact)
    return facts


def changed_field_names(event) -> str:
    """Returns the labels of the changed fields, for an event without values."""
    return ", ".join(label_in_text(name) for name in sorted({*event.before, *event.after}))


def readable_value(value, field: str = "") -> str:
    """Returns a value of an event's JSON as text. Points in time are stored in ISO 8601. `field`:
    the one that holds the value.
    """
    labels = VALUE_LABELS.get(field, {})
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(labels.get(str(item), str(item)) for item in value)
    if isinstance(value, int) and field in COUNTS:
        return f"{value:,}"
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*Z", value):
        # A text that someone typed may look like a time, and be none.
        with suppress(ValueError, OverflowError):
            return full_time_text(datetime.fromisoformat(value))
    return "" if value is None else labels.get(str(value), str(value))


def hex_text(value: Any) -> str:
    """Returns a hash in hexadecimal; "" without one."""
    return bytes(value).hex() if value else ""
