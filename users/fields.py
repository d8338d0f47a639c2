"""The fields of an account, by who may change them and how."""

from collections.abc import Iterable
from typing import Any

PROFILE_FIELDS = ("username", "email", "first_name", "last_name", "phone", "locale", "time_zone")
OWN_PROFILE_FIELDS = ("first_name", "last_name", "phone", "locale", "time_zone")
STATUS_FIELDS = (
    "status",
    "status_reason",
    "suspended_until",
    "valid_until",
    "deleted_at",
    "email_verified_at",
    "must_change_password",
    "has_second_factor",
)


def changed_values(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


def audited_columns(columns: Iterable[str]) -> list[str]:
    return [name for name in columns if name in PROFILE_FIELDS or name in STATUS_FIELDS]
