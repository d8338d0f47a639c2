"""Firebase Authentication: JSON and CSV of `firebase auth:export`. The CSV has no header."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from django.core.exceptions import ValidationError

from users.formats import UnreadableFile
from users.formats.csv import read_csv
from users.formats.file_start import FileStart
from users.formats.json_objects import RawRecord
from users.formats.options import ReadOptions
from users.formats.password_columns import PASSWORD_COLUMNS, encoded_columns
from users.formats.record_values import (
    attribute_columns,
    blocked_status,
    fallback_username,
    join_lines,
    map_at,
    maps_at,
    milliseconds_time,
    name_values,
    text_at,
    yes_no_text,
)
from users.formats.system_format import Converter, SystemFormat, system_defaults
from users.passwords.foreign_hashes import (
    FirebaseParameters,
    encode_firebase_scrypt,
    read_firebase_parameters,
)

FIRST_COLUMNS = (
    "localId",
    "email",
    "emailVerified",
    "passwordHash",
    "salt",
    "displayName",
    "photoUrl",
)
LAST_COLUMNS = ("createdAt", "lastSignedInAt", "phoneNumber", "disabled", "customAttributes")
PROVIDERS = ("google.com", "facebook.com", "twitter.com", "github.com")
# Providers of newer exports, after the other columns.
NEW_PROVIDERS = (
    "apple.com",
    "microsoft.com",
    "gc.apple.com",
    "playgames.google.com",
    "linkedin.com",
    "yahoo.com",
)
PROVIDER_VALUES = ("rawId", "email", "displayName", "photoUrl")
# The numbers of cells in a row: 28 or 52, and one more after the comma that ends a row.
ROW_WIDTHS = (28, 29, 52, 53)
MISSING_PARAMETERS = (
    "Firebase hashes need the hash parameters of the project. The password must be reset."
)


class FirebaseUsers(SystemFormat):
    """The users of one project."""

    name = "firebase"
    label = "Firebase users"
    extensions = (".json", ".csv")
    record_paths = ("users.item", "item", "")
    columns = (
        "source_id",
        "username",
        "email",
        "email_verified",
        "first_name",
        "last_name",
        "phone",
        "status",
        *PASSWORD_COLUMNS,
        "identities",
        "created",
        "last_login",
        "picture",
    )
    defaults = system_defaults("firebase", columns)

    def matches(self, start: FileStart) -> bool:
        if start.is_json:
            return super().matches(start)
        return is_firebase_row(start.first_line)

    def matches_keys(self, keys: frozenset[str]) -> bool:
        return "localId" in keys

    def table_records(
        self, file: BinaryIO, start: FileStart, options: ReadOptions
    ) -> tuple[int, Iterator[RawRecord]]:
        width = len(first_cells(start.first_line))
        names = firebase_columns()[:width]
        table = replace(options, columns=tuple(names), delimiter=",", short_rows=True)
        return 0, map(table_record, read_csv(file, start.name, table).records)

    def converter(self, file: BinaryIO, start: FileStart, options: ReadOptions) -> Converter:
        parameters = firebase_parameters(options, start.name)

        def convert(record: dict[str, Any]) -> dict[str, str]:
            return self.account(record) | firebase_password(record, parameters)

        return convert

    def account(self, record: dict[str, Any]) -> dict[str, str]:
        email = text_at(record, "email")
        phone = text_at(record, "phoneNumber")
        return {
            **attribute_columns(map_at(record, "customAttributes"), "claims"),
            **name_values("", "", text_at(record, "displayName")),
            "source_id": text_at(record, "localId"),
            "username": fallback_username(email, phone),
            "email": email,
            "email_verified": yes_no_text(record.get("emailVerified")),
            "phone": phone,
            "status": blocked_status(record.get("disabled")),
            "identities": join_lines(provider_identities(record)),
            "created": milliseconds_time(record.get("createdAt")),
            "last_login": milliseconds_time(record.get("lastSignedInAt")),
            "picture": text_at(record, "photoUrl"),
        }


def firebase_columns() -> list[str]:
    """Returns names for the columns of the CSV, "" for what is not read."""
    columns = list(FIRST_COLUMNS)
    for provider in PROVIDERS:
        columns += provider_columns(provider)
    columns += LAST_COLUMNS
    for provider in NEW_PROVIDERS:
        columns += provider_columns(provider)
    return [*columns, ""]


def provider_columns(provider: str) -> list[str]:
    """Returns the names of the four columns of a provider."""
    return [f"{provider} {value}" for value in PROVIDER_VALUES]


def first_cells(line: str) -> list[str]:
    """Returns the cells of a line; none if it is no line of CSV."""
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


def is_firebase_row(line: str) -> bool:
    """Returns whether a line is a row of the CSV: its width, a flag and a time show it."""
    cells = first_cells(line)
    if len(cells) not in ROW_WIDTHS:
        return False
    times = cells[23:25]
    return cells[2] in ("true", "false") and all(not time or time.isdigit() for time in times)


def table_record(record: Any) -> RawRecord:
    """Returns a row of the CSV as a record of the JSON."""
    values = dict(record.values)
    providers = [
        {"providerId": provider, "rawId": values[f"{provider} rawId"]}
        for provider in (*PROVIDERS, *NEW_PROVIDERS)
        if values.get(f"{provider} rawId")
    ]
    return RawRecord(record.line, {**values, "providerUserInfo": providers}, record.misfit)


def provider_identities(record: dict[str, Any]) -> list[str]:
    """Returns the accounts of a user at providers, such as "google.com: 1234"."""
    infos = maps_at(record, "providerUserInfo")
    return [
        f"{text_at(info, 'providerId')}: {text_at(info, 'rawId')}"
        for info in infos
        if info.get("providerId") not in ("password", "phone")
    ]


def firebase_parameters(options: ReadOptions, name: str) -> FirebaseParameters | None:
    """Returns the hash parameters of the project; None if nobody gave them. Raises
    UnreadableFile for unusable ones.
    """
    if not options.hash_parameters.strip():
        return None
    try:
        return read_firebase_parameters(options.hash_parameters)
    except ValidationError as error:
        raise UnreadableFile(name, 0, error.messages[0]) from error


def firebase_password(
    record: dict[str, Any], parameters: FirebaseParameters | None
) -> dict[str, str]:
    """Returns the columns of the hash of a user."""
    digest = text_at(record, "passwordHash")
    salt = text_at(record, "salt")
    if not digest:
        return {}
    if parameters is None:
        return {"password_remark": MISSING_PARAMETERS}
    return encoded_columns(lambda: encode_firebase_scrypt(digest, salt, parameters))
