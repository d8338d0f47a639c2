"""Checks the JSON of a request before it is interpreted, and mends what clients are known to send.

Microsoft Entra sends "True" and "False" as texts, the ID of a manager as a text, and paths as keys
of a value (https://learn.microsoft.com/entra/identity/app-provisioning/).
"""

import json
from typing import Any

from scim2_models import InvalidSyntaxException

DEEPEST = 20
LONGEST_TEXT = 100_000
FLAGS = {"true": True, "false": False}
FLAG_ATTRIBUTES = ("active", "primary")
MANAGER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:manager"
SURROGATES = ("\ud800", "\udfff")


def read_payload(body: bytes) -> Any:
    """Returns the JSON of a body. Raises InvalidSyntaxException, which names the place, for text
    that can't be stored, for a key that is given twice, and for JSON that is nested too deeply.
    """
    try:
        payload = json.loads(body, object_pairs_hook=unique_pairs, parse_constant=refuse_constant)
    except RecursionError as error:
        raise too_deep("") from error
    except UnicodeDecodeError as error:
        raise InvalidSyntaxException(detail="The body is not UTF-8.") from error
    except ValueError as error:
        raise InvalidSyntaxException(detail=f"The body is not JSON: {error}.") from error
    check_value(payload, "", 0)
    return payload


def unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns the object. Raises InvalidSyntaxException for a key that is given twice; SCIM does
    not distinguish capital letters in names.
    """
    names = set()
    for name, _ in pairs:
        if name.lower() in names:
            raise InvalidSyntaxException(detail=f"“{shown_name(name)}” is given twice.")
        names.add(name.lower())
    return dict(pairs)


def refuse_constant(text: str) -> Any:
    raise InvalidSyntaxException(detail=f"{text} is not a valid JSON number.")


def too_deep(place: str) -> InvalidSyntaxException:
    where = f" at “{place}”" if place else ""
    return InvalidSyntaxException(
        detail=f"The JSON is nested more than {DEEPEST} levels deep{where}."
    )


def check_value(value: Any, place: str, depth: int) -> None:
    """Raises InvalidSyntaxException for text that can't be stored, and for deep nesting."""
    if depth > DEEPEST:
        raise too_deep(place)
    if isinstance(value, str):
        check_text(value, place)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            check_value(item, f"{place}[{number}]", depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            check_text(name, place)
            check_value(item, f"{place}.{name}".lstrip("."), depth + 1)


def check_text(text: str, place: str) -> None:
    if text.isascii() and "\x00" not in text and len(text) <= LONGEST_TEXT:
        return
    first, last = SURROGATES
    if "\x00" in text or any(first <= char <= last for char in text):
        detail = f"“{shown_name(place)}” contains a character that can’t be stored."
        raise InvalidSyntaxException(detail=detail)
    if len(text) > LONGEST_TEXT:
        detail = f"“{shown_name(place)}” has more than {LONGEST_TEXT:,} characters."
        raise InvalidSyntaxException(detail=detail)


def shown_name(text: str) -> str:
    """Returns a name of the payload for an error: what can't be encoded as “?”, and shortened."""
    plain = text.encode(errors="replace").decode().replace("\x00", "?")
    return plain[:100]


def mend_payload(payload: Any) -> Any:
    """Returns the payload with flags as JSON has them, and a PATCH with a path for each value."""
    if not isinstance(payload, dict):
        return payload
    mended = {name: mend_attribute(name, value) for name, value in payload.items()}
    for name, value in mended.items():
        if name.lower() == "operations" and isinstance(value, list):
            mended[name] = mend_operations(value)
    return mended


def mend_attribute(name: str, value: Any) -> Any:
    if name.lower() in FLAG_ATTRIBUTES:
        return mend_flag(value)
    if isinstance(value, list):
        return [mend_value(item) for item in value]
    return mend_value(value)


def mend_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: mend_attribute(name, item) for name, item in value.items()}
    return value


def mend_flag(value: Any) -> Any:
    return FLAGS.get(value.lower(), value) if isinstance(value, str) else value


def mend_operations(operations: list[Any]) -> list[Any]:
    """Returns the operations of a PATCH or a Bulk request."""
    mended = []
    for operation in operations:
        if not isinstance(operation, dict):
            mended.append(operation)
        elif "data" in operation:
            mended.append(operation | {"data": mend_payload(operation["data"])})
        else:
            mended += split_operation(mend_path(operation))
    return mended


def mend_path(operation: dict[str, Any]) -> dict[str, Any]:
    """Returns an operation with a value of the type that its path needs."""
    path = str(operation.get("path", "")).lower()
    value = operation.get("value")
    if path.rpartition(".")[2] in FLAG_ATTRIBUTES or path.endswith(":active"):
        return operation | {"value": mend_flag(value)}
    if path == MANAGER and isinstance(value, str):
        return operation | {"value": {"value": value}}
    return operation


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
            split.append(mend_path(path_operation))
    return [operation | {"value": rest}, *split] if rest else split or [operation]


def is_path(name: str) -> bool:
    """Returns whether a key names more than an attribute or a schema."""
    if name.lower().startswith("urn:"):
        return name.lower().count(":") > MANAGER.count(":") - 1
    return "[" in name or "." in name
