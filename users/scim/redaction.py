"""Takes the values out of SCIM requests before they are stored in the log."""

import re
from typing import Any

HIDDEN = "…"
# More items of a list, such as the operations of a Bulk request, are left out.
MAX_ITEMS = 20
# Values that the protocol defines.
KEPT_ATTRIBUTES = {"op", "method", "schemas", "failonerrors", "count", "startindex", "sortorder"}
PATH_ATTRIBUTES = {"path", "attributes", "excludedattributes", "sortby"}
PROTOCOL_TEXT = re.compile(r"[A-Za-z0-9:.]{1,100}")
NAME = re.compile(r"[$A-Za-z][A-Za-z0-9:._$-]{0,99}")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
PATH_TEXT = re.compile(r'[$A-Za-z/][A-Za-z0-9:._$/\[\]() "…-]{0,199}')
# Endpoints with an ID.
KNOWN_PATH = re.compile(
    r"(Users|Groups|Bulk|Schemas|ResourceTypes|ServiceProviderConfig|Me|\.search)"
    r"(/\.search|/[0-9]{1,19})?/?",
    re.IGNORECASE,
)
KNOWN_PARAMETER_NAMES = {
    *("attributes", "excludedattributes", "filter", "sortby", "sortorder"),
    *("startindex", "count", "cursor", "dryrun"),
}
# Texts of errors repeat what was typed in quotation marks.
QUOTATION = re.compile(r"“[^”]*”|\"[^\"]*\"|'[^']*'")


def redact_body(value: Any, name: str = "") -> Any:
    """Returns the JSON with “…” for each value that the protocol does not define."""
    if isinstance(value, dict):
        return {redact_name(key): redact_body(item, key.lower()) for key, item in value.items()}
    if isinstance(value, list):
        return [redact_body(item, name) for item in value[:MAX_ITEMS]]
    if value is None or isinstance(value, bool):
        return value
    return redact_text(str(value), name)


def redact_text(text: str, name: str) -> str:
    if name in KEPT_ATTRIBUTES and PROTOCOL_TEXT.fullmatch(text):
        return text
    return redact_path(text) if name in PATH_ATTRIBUTES else HIDDEN


def redact_path(text: str) -> str:
    """Returns a path of an attribute or a resource without the values of its filter."""
    hidden = QUOTED.sub(f'"{HIDDEN}"', text)
    return hidden if PATH_TEXT.fullmatch(hidden) and "@" not in text else HIDDEN


def redact_name(name: str) -> str:
    return name if NAME.fullmatch(name) else redact_path(name)


def redact_address(path: str, parameters: list[str]) -> str:
    """Returns the path of a request with the names of its parameters."""
    shown = path if KNOWN_PATH.fullmatch(path) or not path else HIDDEN
    names = [name for name in parameters if name.lower() in KNOWN_PARAMETER_NAMES]
    query = f"?{'&'.join(names)}" if names else ""
    return f"/{shown}{query}"


def redact_error(detail: str) -> str:
    return QUOTATION.sub(f"“{HIDDEN}”", detail)
