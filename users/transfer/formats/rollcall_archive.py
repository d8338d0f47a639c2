"""The archive of Rollcall: everything that another Rollcall needs to take over accounts, with their
password hashes. JSON Lines; the first line says what the file is and how many accounts it has.
"""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from users.transfer.formats import ImportRecord, ImportSource, UnreadableFile
from users.transfer.formats.file_format import FileFormat, FormatDefaults
from users.transfer.formats.file_start import FileStart
from users.transfer.formats.options import ReadOptions
from users.transfer.imports.import_fields import FORBIDDEN_FIELDS, IMPORT_FIELDS, comparable_name

# The first key of the first line; its value is the version.
ARCHIVE_KEY = "rollcall_archive"
ARCHIVE_VERSION = 1
# The keys of an account, in the order of the columns. "attributes" is an object besides.
ARCHIVE_COLUMNS = (
    "username",
    "email",
    "first_name",
    "last_name",
    "phone",
    "locale",
    "time_zone",
    "accepts_announcements",
    "source",
    "source_id",
    "password_hash",
    "status",
    "status_reason",
    "suspended_until",
    "valid_until",
    "email_verified",
    "email_bounced",
    "must_change_password",
    "groups",
    "joined",
    "last_login",
    "last_seen",
)
# The start of the column of an attribute whose own name means something else.
ATTRIBUTE_PREFIX = "attributes."
RESERVED_COLUMNS = {
    comparable_name(name) for name in (*ARCHIVE_COLUMNS, *IMPORT_FIELDS, *FORBIDDEN_FIELDS)
}
# In bytes. The largest accounts have some 100,000.
LINE_MAX = 1_000_000
UNREADABLE_LINE = "This line is not a complete JSON object."
INCOMPLETE = "The archive is incomplete: it should have {expected:,} accounts and has {found:,}."
NEWER = "This archive was written by a newer release of Rollcall. Update Rollcall first."


class RollcallArchive(FileFormat):
    name = "rollcall"
    label = "Rollcall archive"
    extensions = (".jsonl",)
    defaults = FormatDefaults(
        fields={column: column for column in ARCHIVE_COLUMNS},
        key="username",
        keeps_attributes=True,
    )

    def matches(self, start: FileStart) -> bool:
        return start.first_line.startswith(f'{{"{ARCHIVE_KEY}"')

    def read(self, file: BinaryIO, name: str, options: ReadOptions) -> ImportSource:
        head = read_archive_head(file, name)
        attributes = head.get("attributes") or []
        columns = {attribute: archive_attribute_column(attribute) for attribute in attributes}
        records = read_archived_accounts(file, name, columns, head.get("accounts"))
        return ImportSource(
            name,
            1,
            [*ARCHIVE_COLUMNS, *columns.values()],
            records,
            is_archive=True,
        )


def read_archive_head(file: BinaryIO, name: str) -> dict[str, Any]:
    """Returns the first line of an archive. Raises UnreadableFile."""
    head = parse_archive_line(file.readline(LINE_MAX))
    if head is None or ARCHIVE_KEY not in head:
        raise UnreadableFile(name, 1, UNREADABLE_LINE)
    if head[ARCHIVE_KEY] != ARCHIVE_VERSION:
        raise UnreadableFile(name, 1, NEWER)
    return head


def read_archived_accounts(
    file: BinaryIO, name: str, attributes: dict[str, str], expected: int | None
) -> Iterator[ImportRecord]:
    """Yields the accounts of an archive. `attributes`: their columns by name. Raises
    UnreadableFile at the end of an archive that was cut off.
    """
    line = 1
    found = 0
    while content := file.readline(LINE_MAX):
        line += 1
        if not content.strip():
            continue
        found += 1
        account = parse_archive_line(content)
        if account is None:
            yield ImportRecord(line, misfit=UNREADABLE_LINE)
        else:
            yield ImportRecord(line, archive_values(account, attributes))
    if expected is not None and found != expected:
        raise UnreadableFile(name, line, INCOMPLETE.format(expected=expected, found=found))


def parse_archive_line(content: bytes) -> dict[str, Any] | None:
    """Returns the object in a line; None if the line is not one."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def archive_values(account: dict[str, Any], attributes: dict[str, str]) -> dict[str, str]:
    """Returns the texts of an account by column."""
    values = {column: archive_text(account.get(column)) for column in ARCHIVE_COLUMNS}
    given = account.get("attributes")
    given = given if isinstance(given, dict) else {}
    for name, column in attributes.items():
        values[column] = archive_text(given.get(name))
    return values


def archive_text(value: Any) -> str:
    """Returns a value as the text of a cell: one line for each item of a list."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "\n".join(map(archive_text, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def archive_attribute_column(name: str) -> str:
    """Returns the column of an attribute: its name, unless that means something else."""
    is_reserved = comparable_name(name) in RESERVED_COLUMNS
    if is_reserved or name.startswith(ATTRIBUTE_PREFIX):
        return f"{ATTRIBUTE_PREFIX}{name}"
    return name


def archive_attribute_name(column: str) -> str:
    """Returns the name of the attribute that has this column."""
    return column.removeprefix(ATTRIBUTE_PREFIX)
