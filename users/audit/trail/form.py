"""The fields of the trail's filters: above the list, in its panel and on a page of their own."""

from typing import Any

from django.http import QueryDict

from users.audit.trail.filter import ACCOUNT_FILTERS, TrailErrors, TrailFilter
from users.audit.trail.links import Names
from users.audit.trail.specs import TRAIL_FILTERS
from users.web.days import format_day
from users.web.query_string import is_id_text
from users.web.time_zone import zone_label

# The filters that the list has above it, so that its panel has not.
TOOLBAR = ("text", "actor", "target", "action")


def trail_fields(
    wanted: TrailFilter, names: Names, query: QueryDict, errors: TrailErrors
) -> dict[str, dict[str, Any]]:
    """Returns a form field for each filter that the viewer may use, with its value or what was
    typed and what is wrong with it.
    """
    fields = {}
    for name, spec in TRAIL_FILTERS.items():
        if not (wanted.masked and spec.is_personal):
            fields[name] = trail_field(name, wanted, names)
    for name, error in errors.items():
        # NUL is in no text that a page shows.
        typed = str(query.get(name, "")).replace("\x00", "")
        if name in fields:
            fields[name] |= {
                "value": typed,
                "error": error.message,
                "accounts": account_links(name, wanted, error.choices),
            }
    wrong = [field for field in fields.values() if field.get("error")]
    if wrong:
        wrong[0]["focus"] = True
    return fields


def trail_field(name: str, wanted: TrailFilter, names: Names) -> dict[str, Any]:
    spec = TRAIL_FILTERS[name]
    value = wanted.values.get(name, "")
    field: dict[str, Any] = {
        "name": name,
        "label": spec.label,
        "choices": spec.choices() if spec.choices else [],
        "placeholder": spec.placeholder,
        "value": value,
        "is_day": spec.is_day,
    }
    if spec.is_day:
        field |= {
            "value": format_day(value),
            "zone": zone_label(),
        }
    if name in ACCOUNT_FILTERS:
        field["value"] = typed_name(
            value,
            names,
            masked=wanted.masked,
        )
    return field


def typed_name(value: str, names: Names, *, masked: bool) -> str:
    """Returns the username of an account as it can be typed again, or else its ID."""
    username = names.get(value, "")
    if masked or not username or is_id_text(username):
        return value
    return username


def account_links(name: str, wanted: TrailFilter, accounts: list) -> list[dict[str, str]]:
    """Returns the accounts that a text may mean, each with the URL of its filter."""
    return [
        {
            "url": wanted.with_value(name, str(account.pk)).url(),
            "username": account.username,
            "name": account.get_full_name(),
            "id": str(account.pk),
        }
        for account in accounts
    ]


def hidden_errors(fields: dict, errors: TrailErrors) -> list[str]:
    """Returns the errors of filters that have no field for this viewer."""
    return [error.message for name, error in errors.items() if name not in fields]


def panel_fields(fields: dict, *, in_list: bool) -> list[dict[str, Any]]:
    """Returns the fields of the panel. `in_list`: without those above the list."""
    return [field for name, field in fields.items() if not (in_list and name in TOOLBAR)]
