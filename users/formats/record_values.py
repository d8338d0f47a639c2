"""Converts the values of other systems into the texts of columns."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from users.formats.import_fields import (
    FORBIDDEN_FIELDS,
    IMPORT_FIELDS,
    comparable_name,
)

YES_TEXTS = {"yes", "true", "t", "1", "y", "ja", "oui", "sí", "si", "sim"}
NO_TEXTS = {"no", "false", "f", "0", "n", "nein", "non", "não", "nao"}
# Nested attributes below this depth are kept as JSON.
FLAT_DEPTH = 3
# Columns that formats have besides the fields of an account.
SYSTEM_COLUMNS = (
    "client_roles",
    "created",
    "email_verified",
    "groups",
    "identities",
    "note",
    "other_attributes",
    "other_credentials",
    "other_emails",
    "password_hash",
    "password_remark",
    "permissions",
    "required_actions",
    "status",
)
# An attribute of another system with such a name gets another one, because an import would take it
# for something else.
RESERVED_NAMES = {*SYSTEM_COLUMNS, *IMPORT_FIELDS, *FORBIDDEN_FIELDS}
RESERVED_KEYS = {comparable_name(name) for name in RESERVED_NAMES}
JsonMap = dict[str, Any]


class SkippedRecord(Exception):
    """A record is not a person's account. The message says what such records are, in the plural."""


def text_value(value: Any) -> str:
    """Returns a value as text: nothing for null, yes or no for booleans, a line for each element of
    a plain list, and JSON for everything else.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and not any(isinstance(each, list | dict) for each in value):
        return "\n".join(map(text_value, value))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def text_at(record: Any, *path: str) -> str:
    """Returns the text of a value inside nested objects, or ""."""
    for key in path:
        if not isinstance(record, dict):
            return ""
        record = record.get(key)
    return text_value(record)


def map_at(record: JsonMap, key: str) -> JsonMap:
    """Returns the object of a key, also one that is written as a JSON text. Other text is
    returned as an object with the same key, so that it is not lost.
    """
    value = record.get(key)
    if isinstance(value, str) and value.strip():
        value = parse_json(value)
        if value is None:
            return {key: record[key]}
    return value if isinstance(value, dict) else {}


def list_at(record: JsonMap, key: str) -> list[Any]:
    """Returns the list of a key, also one that is written as a JSON text; else an empty one."""
    value = record.get(key)
    if isinstance(value, str):
        value = parse_json(value)
    return value if isinstance(value, list) else []


def maps_at(record: JsonMap, key: str) -> list[JsonMap]:
    """Returns the objects in the list of a key."""
    return [each for each in list_at(record, key) if isinstance(each, dict)]


def parse_json(text: str) -> Any:
    """Returns the value of a JSON text; None for other text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def first_filled(*texts: str) -> str:
    """Returns the first text that is not blank, or ""."""
    return next((text for text in texts if text.strip()), "")


def filled_value(record: JsonMap, keys: Iterable[str]) -> str:
    """Returns the text of the first of these keys that has one, or ""."""
    return first_filled(*(text_at(record, key) for key in keys))


def fallback_username(email: str, phone: str) -> str:
    """Returns the phone number as the username of someone without an address, else ""."""
    return "" if email.strip() else phone


def join_lines(texts: Iterable[str]) -> str:
    """Returns the different texts that are not blank, one a line."""
    return "\n".join(dict.fromkeys(filter(None, map(str.strip, texts))))


def flag_value(value: Any) -> bool | None:
    """Returns a value that is yes or no; None for any other one, also for an empty one."""
    text = text_value(value).strip().casefold()
    if text in YES_TEXTS:
        return True
    return False if text in NO_TEXTS else None


def yes_no_text(value: Any) -> str:
    """Returns "yes" or "no"; any other value as it is, so that the import names it."""
    flag = flag_value(value)
    return text_value(value).strip() if flag is None else text_value(flag)


def blocked_status(value: Any) -> str:
    """Returns the status of an account by a value that says whether it is blocked. Any other value
    is returned as it is: the import refuses it, and nobody blocked becomes active.
    """
    flag = flag_value(value)
    if flag is None:
        return text_value(value).strip()
    return "suspended" if flag else "active"


def enabled_status(value: Any) -> str:
    """Returns the status of an account by a value that says whether it is enabled. Any other value
    is returned as it is, so that the import refuses it.
    """
    flag = flag_value(value)
    if flag is None:
        return text_value(value).strip()
    return "active" if flag else "suspended"


def name_parts(full: str) -> tuple[str, str]:
    """Returns the first and the last name in a full name: the last word is the last name, unless
    the name has the form "Last, First".
    """
    words = " ".join(full.split())
    last, comma, first = words.partition(", ")
    if comma:
        return first, last
    first, _, last = words.rpartition(" ")
    return (first, last) if first else (last, "")


def name_values(first: str, last: str, full: str) -> dict[str, str]:
    """Returns the columns of a name. The full name counts only without the other two."""
    if not first.strip() and not last.strip():
        first, last = name_parts(full)
    return {"first_name": first, "last_name": last}


def milliseconds_time(value: Any) -> str:
    """Returns a time in ISO 8601 for milliseconds since 1970; another value as text."""
    text = text_value(value)
    try:
        moment = datetime.fromtimestamp(int(text) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return text
    return moment.isoformat(timespec="seconds")


def flat_values(value: Any, name: str, depth: int = FLAT_DEPTH) -> dict[str, str]:
    """Returns the values in a nested object by their dotted names."""
    if not isinstance(value, dict) or depth == 0:
        return {name: text_value(value)}
    values: dict[str, str] = {}
    for key, inner in value.items():
        dotted = f"{name}.{key}" if name else key
        values |= flat_values(inner, dotted, depth - 1)
    return values


def attribute_columns(
    attributes: JsonMap, origin: str, taken: Iterable[str] = ()
) -> dict[str, str]:
    """Returns attributes of another system as columns. One whose name is `taken` or has a meaning
    in an import gets the origin before it: "attributes.status".
    """
    columns = {}
    for name, text in flat_values(attributes, "").items():
        clean = " ".join(name.split())
        is_free = clean and clean not in taken and comparable_name(clean) not in RESERVED_KEYS
        columns[clean if is_free else f"{origin}.{clean}"] = text
    return columns
