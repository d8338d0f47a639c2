"""Reads the body of a request: a JSON object that means one thing only.

The size is checked before anything is read. What users/web/strict_json.py refuses is answered with
a pointer to its place.
"""

from difflib import get_close_matches
from typing import Any

from users.api.problems import ApiProblem, bad_body, json_pointer
from users.web.form_size import content_length
from users.web.strict_json import BadJson, UnstorableText, read_strict_json

BODY_BYTES = 1_000_000
BODY_DEPTH = 8
JSON_TYPE = "application/json"


def read_body_object(request: Any) -> dict[str, Any]:
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
    try:
        sent = read_strict_json(body, max_depth=BODY_DEPTH)
    except UnstorableText as error:
        raise bad_body(json_pointer(*error.keys), str(error)) from error
    except BadJson as error:
        raise bad_body(json_pointer(*error.keys), str(error), status=400) from error
    if not isinstance(sent, dict):
        raise bad_body("", "The body must be a JSON object.")
    return sent


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
