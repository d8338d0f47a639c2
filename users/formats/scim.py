"""SCIM 2.0 (RFC 7643): a list response, JSON Lines, or a single user."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from users.formats.file_start import FileStart
from users.formats.record_values import (
    SkippedRecord,
    attribute_columns,
    enabled_status,
    filled_value,
    first_filled,
    join_lines,
    list_at,
    map_at,
    maps_at,
    name_values,
    text_at,
    text_value,
)
from users.formats.system_format import SystemFormat, system_defaults

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
# What an export has besides.
EXTENSION_SCHEMA = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User"
EXTENSION_PREFIX = "urn:"
ROW_STATUSES = ("", "active", "invited", "suspended")
# Attributes with a column of their own, and those that Rollcall has no use for.
KNOWN_KEYS = {
    EXTENSION_SCHEMA,
    "active",
    "displayName",
    "emails",
    "groups",
    "id",
    "ims",
    "locale",
    "meta",
    "name",
    "password",
    "phoneNumbers",
    "photos",
    "preferredLanguage",
    "roles",
    "schemas",
    "timezone",
    "userName",
    "x509Certificates",
}


class ScimUsers(SystemFormat):
    """The users of any system that speaks SCIM."""

    name = "scim"
    label = "SCIM users"
    extensions = (".json", ".ndjson", ".scim")
    record_paths = ("Resources.item", "item", "")
    columns: tuple[str, ...] = (
        "source_id",
        "username",
        "email",
        "first_name",
        "last_name",
        "phone",
        "locale",
        "time_zone",
        "status",
        "groups",
        "password",
        "other_emails",
        "created",
    )
    defaults = system_defaults("scim", columns)

    def matches_keys(self, keys: frozenset[str]) -> bool:
        return {"userName", "schemas"} <= keys or {"userName", "meta"} <= keys

    def account(self, record: dict[str, Any]) -> dict[str, str]:
        schemas = list_at(record, "schemas")
        if schemas and USER_SCHEMA not in schemas:
            raise SkippedRecord("resources of other types")
        emails = maps_at(record, "emails")
        email = main_value(emails)
        name = map_at(record, "name")
        full = first_filled(text_at(name, "formatted"), text_at(record, "displayName"))
        return {
            **scim_attributes(record),
            **name_values(text_at(name, "givenName"), text_at(name, "familyName"), full),
            "source_id": text_at(record, "id"),
            "username": text_at(record, "userName"),
            "email": email,
            "phone": main_value(maps_at(record, "phoneNumbers")),
            "locale": filled_value(record, ("preferredLanguage", "locale")),
            "time_zone": text_at(record, "timezone"),
            "status": enabled_status(record.get("active")),
            "groups": join_lines(scim_groups(record)),
            "password": text_at(record, "password"),
            "other_emails": join_lines(text for text in map(entry_value, emails) if text != email),
            "created": text_at(record, "meta", "created"),
        }


class RollcallScim(ScimUsers):
    """The accounts of a SCIM export of Rollcall, which keep their IDs of other systems."""

    name = "rollcall-scim"
    label = "Rollcall SCIM export"
    columns = ("source", *ScimUsers.columns)
    defaults = replace(
        ScimUsers.defaults,
        source="",
        fields={**ScimUsers.defaults.fields, "source": "source"},
        key="username",
    )

    def matches(self, start: FileStart) -> bool:
        return super().matches(start) and f'"{EXTENSION_SCHEMA}"' in start.text

    def account(self, record: dict[str, Any]) -> dict[str, str]:
        values = super().account(record)
        extension = map_at(record, EXTENSION_SCHEMA)
        own = {name: text_value(value) for name, value in extension.items()}
        values |= own | {"source_id": values.pop("externalId", "")}
        if values["status"] not in ROW_STATUSES:
            values["status"] = ""
        return values


def entry_value(entry: dict[str, Any]) -> str:
    """Returns the value of one entry of an attribute with several values."""
    return text_at(entry, "value")


def main_value(entries: Iterable[dict[str, Any]]) -> str:
    """Returns the value of the primary entry, else of the first one."""
    ordered = sorted(entries, key=lambda entry: entry.get("primary") is not True)
    return first_filled(*map(entry_value, ordered))


def scim_groups(record: dict[str, Any]) -> list[str]:
    """Returns the names of the groups and roles of a user."""
    entries = maps_at(record, "groups") + maps_at(record, "roles")
    return [first_filled(text_at(entry, "display"), entry_value(entry)) for entry in entries]


def scim_attributes(record: dict[str, Any]) -> dict[str, str]:
    """Returns the columns of the other attributes. Those of an extension, such as the department,
    have no schema in their name.
    """
    columns: dict[str, str] = {}
    for key, value in record.items():
        if key in KNOWN_KEYS:
            continue
        if key.startswith(EXTENSION_PREFIX) and isinstance(value, dict):
            columns |= attribute_columns(value, "extension", columns)
        else:
            columns |= attribute_columns({key: value}, "scim", columns)
    return columns
