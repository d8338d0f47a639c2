"""Reads the JSON of a request, and normalises what some clients send in a form of their own.

Microsoft Entra sends "True" and "False" as texts, the ID of a manager as a text, paths as keys of a
value, members to remove with “$ref” null, and filters by a manager without its extension
(https://learn.microsoft.com/entra/identity/app-provisioning/).
"""

import re
from typing import Any

from scim2_models import InvalidSyntaxException

from users.web.strict_json import BadJson, Keys, RepeatedName, read_strict_json, shown_name

MAX_DEPTH = 20
FLAGS = {"true": True, "false": False}
FLAG_ATTRIBUTES = ("active", "primary")
# Attributes of an entry that Rollcall derives from its “value”, so they don't identify it.
DERIVED_PARTS = ("$ref", "display")
MANAGER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:manager"

MANAGER_NAMES = ("manager", MANAGER)
# A quoted text, which stays, or a comparison of the manager.
MANAGER_FILTER = re.compile(
    rf"""("(?:[^"\\]|\\.)*")|(?<![\w.:$-])(?:{MANAGER}|manager)(?=\s+(?:eq|ne|pr)\b)""",
    re.IGNORECASE,
)


def read_scim_json(body: bytes) -> Any:
    """Returns the JSON of a body. Raises InvalidSyntaxException, which names the place. SCIM does
    not distinguish capital letters in names.
    """
    try:
        return read_strict_json(body, max_depth=MAX_DEPTH, ignores_case=True)
    except RepeatedName as error:
        raise InvalidSyntaxException(detail=str(error)) from error
    except BadJson as error:
        place = shown_place(error.keys)
        detail = f"{place}: {error}" if place else str(error)
        raise InvalidSyntaxException(detail=detail) from error


def shown_place(keys: Keys) -> str:
    """Returns a place such as “Operations[0].value”; an empty text for the whole body."""
    place = ""
    for key in keys:
        place += f"[{key}]" if isinstance(key, int) else f".{key}"
    return f"“{shown_name(place.removeprefix('.'))}”" if place else ""


def normalise_payload(payload: Any) -> Any:
    """Returns the payload with flags as JSON has them, and a PATCH with a path for each value."""
    if not isinstance(payload, dict):
        return payload
    normalised = {name: normalise_member(name, value) for name, value in payload.items()}
    for name, value in normalised.items():
        if name.lower() == "operations" and isinstance(value, list):
            normalised[name] = normalise_operations(value)
        if name.lower() == "filter" and isinstance(value, str):
            normalised[name] = normalise_filter(value)
    return normalised


def normalise_member(name: str, value: Any) -> Any:
    if name.lower() in FLAG_ATTRIBUTES:
        return normalise_boolean(value)
    if name.lower() in MANAGER_NAMES and isinstance(value, str):
        return {"value": value}
    if isinstance(value, list):
        return [normalise_value(item) for item in value]
    return normalise_value(value)


def normalise_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: normalise_member(name, item) for name, item in value.items()}
    return value


def normalise_boolean(value: Any) -> Any:
    return FLAGS.get(value.lower(), value) if isinstance(value, str) else value


def normalise_operations(operations: list[Any]) -> list[Any]:
    """Returns the operations of a PATCH or a Bulk request."""
    normalised = []
    for operation in operations:
        if not isinstance(operation, dict):
            normalised.append(operation)
        elif "data" in operation:
            normalised.append(operation | {"data": normalise_payload(operation["data"])})
        else:
            normalised += split_operation(normalise_path(operation))
    return normalised


def normalise_path(operation: dict[str, Any]) -> dict[str, Any]:
    """Returns an operation with a value of the type that its path needs."""
    path = str(operation.get("path", "")).lower()
    value = operation.get("value")
    if path.rpartition(".")[2] in FLAG_ATTRIBUTES or path.endswith(":active"):
        return operation | {"value": normalise_boolean(value)}
    if path == MANAGER and isinstance(value, str):
        return operation | {"value": {"value": value}}
    if str(operation.get("op", "")).lower() == "remove" and isinstance(value, list):
        return operation | {"value": [identifying_parts(entry) for entry in value]}
    return operation


def identifying_parts(entry: Any) -> Any:
    """Returns an entry to remove without parts that are null or follow from its value."""
    if not isinstance(entry, dict):
        return entry
    kept = {name: item for name, item in entry.items() if item is not None}
    if "value" in kept:
        kept = {name: item for name, item in kept.items() if name not in DERIVED_PARTS}
    return kept


def normalise_filter(text: str) -> str:
    """Returns a filter in which a comparison of the manager names the attribute of the enterprise
    extension.
    """
    return MANAGER_FILTER.sub(lambda match: match[1] or f"{MANAGER}.value", text)


def split_operation(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns an operation without a path as one for each key that is a path, and the rest."""
    value = operation.get("value")
    if operation.get("path") or not isinstance(value, dict):
        return [operation]
    rest = dict(value)
    split = []
    for name in value:
        if is_path(name):
            path_operation = {"op": operation.get("op"), "path": name, "value": rest.pop(name)}
            split.append(normalise_path(path_operation))
    return [operation | {"value": rest}, *split] if rest else split or [operation]


def is_path(name: str) -> bool:
    """Returns whether a key names more than an attribute or a schema."""
    if name.lower().startswith("urn:"):
        return name.lower().count(":") > MANAGER.count(":") - 1
    return "[" in name or "." in name
