"""Reads the body of a request: a JSON object that means one thing only.

Size and depth are checked before anything is parsed. Duplicate keys, numbers that JSON does not
have, and characters that the database can't store are refused, with a pointer to their place.
"""

import json
import re
from difflib import get_close_matches
from typing import Any

from users.api.problems import ApiProblem, bad_body, json_pointer
from users.web.form_size import content_length

BODY_BYTES = 1_000_000
BODY_DEPTH = 8
JSON_TYPE = "application/json"
STRING_PATTERN = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
BRACKETS = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}


def read_object(request: Any) -> dict[str, Any]:
    """Returns the JSON object that the request has sent; {} for an empty body. Raises
    ApiProblem.
    """
    if content_length(request) > BODY_BYTES:
        # The body is not read, since nobody would use it.
        request._mark_post_parse_error()
        raise ApiProblem(413, f"The body can have at most {BODY_BYTES:,} bytes.")
    body: bytes = request.body
    if not body:
        return {}
    if request.content_type != JSON_TYPE:
        raise ApiProblem(415, f"Send the body as {JSON_TYPE}.")
    require_depth(body)
    sent = parse_json(body)
    if not isinstance(sent, dict):
        raise bad_body("", "The body must be a JSON object.")
    refuse_unstorable(sent)
    return sent


def require_depth(body: bytes) -> None:
    """Raises ApiProblem for a text that is nested too deeply. Brackets in strings don't count."""
    depth = 0
    for byte in STRING_PATTERN.sub(b"", body):
        depth += BRACKETS.get(byte, 0)
        if depth > BODY_DEPTH:
            raise bad_body(
                "", f"The body can be nested at most {BODY_DEPTH} levels deep.", status=400
            )


def parse_json(body: bytes) -> Any:
    """Returns the value of a JSON text. Raises ApiProblem."""
    try:
        return json.loads(
            body.decode(),
            object_pairs_hook=unique_pairs,
            parse_constant=refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise bad_body("", f"The body is not valid JSON: {error}.", status=400) from error


def unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns the pairs as a dictionary. Raises ApiProblem if a key stands twice."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            detail = f"The key “{key[:60]}” is given more than once."
            raise bad_body(json_pointer(key), detail, status=400)
        found[key] = value
    return found


def refuse_constant(name: str) -> None:
    """Raises ApiProblem for NaN and the infinities, which are no JSON."""
    raise bad_body("", f"{name} is not a number in JSON.", status=400)


def refuse_unstorable(value: Any, *keys: object) -> None:
    """Raises ApiProblem for a text with a character that the database can't store."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
            detail = "This text contains a character that can’t be stored."
            raise bad_body(json_pointer(*keys), detail)
    elif isinstance(value, dict):
        for key, each in value.items():
            refuse_unstorable(key, *keys, key)
            refuse_unstorable(each, *keys, key)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            refuse_unstorable(each, *keys, number)


def require_members(sent: dict[str, Any], known: list[str], *keys: object) -> None:
    """Raises ApiProblem that names each member which is not known, and the nearest known one."""
    errors = []
    for name in sent:
        if name not in known:
            detail = f"There is no field “{name[:60]}”.{nearest_hint(name, known)}"
            errors.append({"pointer": json_pointer(*keys, name), "detail": detail})
    if errors:
        raise ApiProblem(422, errors[0]["detail"], errors=errors)


def nearest_hint(name: str, known: list[str]) -> str:
    """Returns " Did you mean “size”?", or the known names if none is near."""
    found = get_close_matches(name[:60], known, n=1)
    if found:
        return f" Did you mean “{found[0]}”?"
    return f" Known: {', '.join(known)}."
