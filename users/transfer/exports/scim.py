"""Accounts as SCIM users (RFC 7643). What SCIM has no attribute for is in an extension."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from users.database.clock import utc_second_text
from users.formats.scim import EXTENSION_SCHEMA, USER_SCHEMA

# Separates two resources in a list.
RESOURCE_SEPARATOR = ",\n"
# The attribute, or the path of one, by the heading of the value.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "username": ("userName",),
    "first_name": ("name", "givenName"),
    "last_name": ("name", "familyName"),
    "source_id": ("externalId",),
    "locale": ("locale",),
    "time_zone": ("timezone",),
    "joined": ("meta", "created"),
}


def scim_writer(headings: list[str]) -> Callable[[list[Any]], str]:
    """Returns a function that returns the values of a row as a resource with what separates it
    from the one before (users.transfer.exports.file_layout).
    """

    def write_resource(values: list[Any]) -> str:
        named = dict(zip(headings, values, strict=True))
        return RESOURCE_SEPARATOR + json.dumps(scim_resource(named), ensure_ascii=False)

    return write_resource


def scim_resource(named: dict[str, Any]) -> dict[str, Any]:
    """Returns the resource of an account. `named`: its values by heading; empty ones are left
    out, as SCIM does not distinguish them from missing ones.
    """
    user: dict[str, Any] = {
        "schemas": [USER_SCHEMA],
        "id": str(named["id"]),
        "userName": named["username"],
        "meta": {"resourceType": "User"},
    }
    extension = {}
    for name, value in named.items():
        if value is None or value == "" or name == "id":
            continue
        if not set_attribute(user, name, value):
            extension[name] = scim_json_value(value)
    if extension:
        user["schemas"].append(EXTENSION_SCHEMA)
        user[EXTENSION_SCHEMA] = extension
    return user


def set_attribute(user: dict[str, Any], name: str, value: Any) -> bool:
    """Sets the attribute for a value. Returns False if SCIM has none that says the same."""
    if path := ATTRIBUTES.get(name):
        holder = user
        for step in path[:-1]:
            holder = holder.setdefault(step, {})
        holder[path[-1]] = scim_json_value(value)
    elif name == "email":
        user["emails"] = [
            {
                "value": value,
                "type": "work",
                "primary": True,
            }
        ]
    elif name == "phone":
        user["phoneNumbers"] = [{"value": value, "type": "work"}]
    elif name == "status":
        user["active"] = value == "active"
        # SCIM knows two states only.
        return False
    else:
        return False
    return True


def scim_json_value(value: Any) -> Any:
    """Returns a value of JSON; a point in time as SCIM writes it (RFC 7643, 2.3.5)."""
    if isinstance(value, datetime):
        return utc_second_text(value)
    return value
