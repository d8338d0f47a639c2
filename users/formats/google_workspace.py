"""Google Workspace: the CSV that the admin console downloads, which is also its upload template."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from users.formats.file_start import FileStart
from users.formats.json_objects import RawRecord
from users.formats.options import ReadOptions
from users.formats.password_columns import PASSWORD_COLUMNS, hash_columns
from users.formats.record_values import (
    attribute_columns,
    filled_value,
    first_filled,
    join_lines,
    text_at,
)
from users.formats.system_format import SystemFormat, system_defaults

REQUIRED_COLUMNS = {"First Name", "Last Name", "Email Address", "Org Unit Path"}
# What a download has in place of each password.
HIDDEN_PASSWORD = re.compile(r"\*+")
PHONE_COLUMNS = ("Mobile Phone", "Recovery Phone", "Work Phone", "Home Phone")
EMAIL_COLUMNS = ("Recovery Email", "Home Secondary Email", "Work Secondary Email")
STATUSES = {
    "": "",
    "active": "active",
    "archived": "suspended",
    "suspended": "suspended",
}
KNOWN_COLUMNS = {
    "Change Password at Next Sign-In",
    "Email Address",
    "First Name",
    "Last Name",
    "Last Sign In",
    "Mobile Phone",
    "New Primary Email",
    "New Status",
    "Password",
    "Password Hash Function",
    "Recovery Phone",
    "Status",
    *EMAIL_COLUMNS,
}


class GoogleWorkspaceUsers(SystemFormat):
    """The users of one organisation. The file has no IDs."""

    name = "google-workspace"
    label = "Google Workspace users"
    extensions = (".csv",)
    columns = (
        "username",
        "email",
        "first_name",
        "last_name",
        "phone",
        "status",
        *PASSWORD_COLUMNS,
        "password",
        "required_actions",
        "other_emails",
        "last_login",
    )
    defaults = system_defaults("google-workspace", columns)

    def matches_header(self, names: frozenset[str]) -> bool:
        return set(map(plain_column, names)) >= REQUIRED_COLUMNS

    def table_records(
        self, file: BinaryIO, start: FileStart, options: ReadOptions
    ) -> tuple[int, Iterator[RawRecord]]:
        line, records = super().table_records(file, start, options)
        return line, map(plain_record, records)

    def account(self, record: dict[str, Any]) -> dict[str, str]:
        email = first_filled(text_at(record, "New Primary Email"), text_at(record, "Email Address"))
        others = {key: value for key, value in record.items() if key not in KNOWN_COLUMNS}
        return {
            **attribute_columns(others, "google"),
            **google_password(record),
            "username": email,
            "email": email,
            "first_name": text_at(record, "First Name"),
            "last_name": text_at(record, "Last Name"),
            "phone": filled_value(record, PHONE_COLUMNS),
            "status": google_status(record),
            "required_actions": required_action(record),
            "other_emails": join_lines(text_at(record, key) for key in EMAIL_COLUMNS),
            "last_login": text_at(record, "Last Sign In"),
        }


def plain_column(name: str) -> str:
    """Returns the name of a column without a remark such as [READ ONLY] after it."""
    text = name.strip()
    if text.endswith("]"):
        # No regular expression: those take long for a line of brackets.
        text = text.rpartition("[")[0] or text
    return text.strip()


def plain_record(record: RawRecord) -> RawRecord:
    """Returns a row by the plain names of its columns."""
    values = {plain_column(name): value for name, value in record.values.items()}
    return RawRecord(record.line, values, record.misfit)


def google_status(record: dict[str, Any]) -> str:
    """Returns the status of a user; an unknown one as it is, so that the import refuses it."""
    text = first_filled(text_at(record, "New Status"), text_at(record, "Status")).strip()
    return STATUSES.get(text.casefold(), text)


def google_password(record: dict[str, Any]) -> dict[str, str]:
    """Returns the columns of a password or of its hash. Downloads hide all passwords."""
    password = text_at(record, "Password")
    if not password or HIDDEN_PASSWORD.fullmatch(password.strip()):
        return {}
    if text_at(record, "Password Hash Function").strip():
        return hash_columns(password)
    return {"password": password}


def required_action(record: dict[str, Any]) -> str:
    """Returns what a user has to do at the next sign-in."""
    text = text_at(record, "Change Password at Next Sign-In").strip().casefold()
    return "change password" if text in ("true", "yes") else ""
