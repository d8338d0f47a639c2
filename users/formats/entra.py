"""Microsoft Entra ID: the CSV for its bulk operations, the CSV of "Download users", and the JSON of
its API (Graph).
"""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from users.formats.file_start import FileStart
from users.formats.json_objects import RawRecord
from users.formats.options import ReadOptions
from users.formats.record_values import (
    SkippedRecord,
    attribute_columns,
    blocked_status,
    enabled_status,
    filled_value,
    first_filled,
    name_values,
    text_at,
)
from users.formats.system_format import SystemFormat, system_defaults

# The ID of a column in the template for bulk operations: "First name [givenName]".
BRACKETED = re.compile(r"\[(\w+)\]")
# The template calls its column of blocked accounts "Block sign in [accountEnabled]".
BLOCKED = "blockSignIn"
# The row with examples that the template has.
EXAMPLE = re.compile(r"Example: Chris Green\b")
ID_KEYS = ("id", "objectId")
PHONE_KEYS = ("mobilePhone", "mobile", "telephoneNumber")
KNOWN_KEYS = {
    *ID_KEYS,
    *PHONE_KEYS,
    BLOCKED,
    "accountEnabled",
    "createdDateTime",
    "displayName",
    "givenName",
    "mail",
    "passwordProfile",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
}


class EntraUsers(SystemFormat):
    """The users of one directory."""

    name = "entra"
    label = "Microsoft Entra ID users"
    extensions = (".csv", ".json")
    record_paths = ("value.item", "item", "")
    columns = (
        "source_id",
        "username",
        "email",
        "first_name",
        "last_name",
        "phone",
        "locale",
        "status",
        "password",
        "created",
    )
    defaults = system_defaults("entra", columns)

    def matches_keys(self, keys: frozenset[str]) -> bool:
        return {"userPrincipalName", "displayName"} <= keys

    def matches_header(self, names: frozenset[str]) -> bool:
        return "userPrincipalName" in map(column_id, names)

    def table_records(
        self, file: BinaryIO, start: FileStart, options: ReadOptions
    ) -> tuple[int, Iterator[RawRecord]]:
        line, records = super().table_records(file, start, options)
        return line, map(named_record, records)

    def account(self, record: dict[str, Any]) -> dict[str, str]:
        full = text_at(record, "displayName")
        if EXAMPLE.match(full):
            raise SkippedRecord("examples of the template")
        others = {key: value for key, value in record.items() if key not in KNOWN_KEYS}
        principal = text_at(record, "userPrincipalName").strip()
        first, last = text_at(record, "givenName"), text_at(record, "surname")
        return {
            **attribute_columns(others, "entra"),
            **name_values(first, last, full),
            "source_id": filled_value(record, ID_KEYS),
            "username": principal,
            "email": first_filled(text_at(record, "mail"), principal),
            "phone": filled_value(record, PHONE_KEYS),
            "locale": text_at(record, "preferredLanguage"),
            "status": entra_status(record),
            "password": entra_password(record),
            "created": text_at(record, "createdDateTime"),
        }


def column_id(name: str) -> str:
    """Returns the ID of a column: the one in brackets, else the name."""
    found = BRACKETED.search(name)
    return found[1] if found else name


def named_record(record: RawRecord) -> RawRecord:
    """Returns a row by the IDs of its columns. The template reverses the flag of its column
    accountEnabled: it says whether sign-in is blocked.
    """
    values = {}
    for name, value in record.values.items():
        found = column_id(name)
        is_reversed = found == "accountEnabled" and found != name
        values[BLOCKED if is_reversed else found] = value
    return RawRecord(record.line, values, record.misfit)


def entra_status(record: dict[str, Any]) -> str:
    """Returns the status of a user."""
    if BLOCKED in record:
        return blocked_status(record[BLOCKED])
    return enabled_status(record.get("accountEnabled"))


def entra_password(record: dict[str, Any]) -> str:
    """Returns the initial password of a user."""
    profile = record.get("passwordProfile")
    if isinstance(profile, dict):
        return text_at(profile, "password")
    return text_at(record, "passwordProfile")
