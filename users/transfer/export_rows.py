"""What a file of accounts has in its columns and rows."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Sum

from users.directory.columns import COLUMNS as SHOWN
from users.directory.columns import NAME_COLUMN
from users.models import User
from users.transfer import export_store
from users.transfer.models import Export
from users.web.csv_injection import escape_formula

EXPORT_FORMATS = {"csv": "CSV", "jsonl": "JSON Lines"}
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson; charset=utf-8"}


@dataclass(frozen=True)
class ExportColumn:
    """`heads`: what it is called in the file, where a name has two; `fields`: of the account that
    it is made of.
    """

    label: str
    heads: tuple[str, ...]
    fields: tuple[str, ...]
    values: Callable[[User], tuple[Any, ...]]


def plain_column(label: str, head: str, field: str = "") -> ExportColumn:
    field = field or head
    return ExportColumn(label, (head,), (field,), lambda account: (account.__dict__[field],))


def has_value_column(label: str, head: str, field: str) -> ExportColumn:
    """Whether there is anything."""
    return ExportColumn(
        label, (head,), (field,), lambda account: (account.__dict__[field] is not None,)
    )


# The columns of the directory, under the names that an import takes.
EXPORT_COLUMNS = {
    "id": plain_column(SHOWN["id"].label, "id"),
    "username": plain_column(SHOWN["username"].label, "username"),
    "name": ExportColumn(
        NAME_COLUMN.label,
        ("first_name", "last_name"),
        ("first_name", "last_name"),
        lambda account: (account.first_name, account.last_name),
    ),
    "email": plain_column(SHOWN["email"].label, "email"),
    "verified": has_value_column(SHOWN["verified"].label, "email_verified", "email_verified_at"),
    "domain": plain_column(SHOWN["domain"].label, "domain", "email_domain"),
    "phone": plain_column(SHOWN["phone"].label, "phone"),
    "status": ExportColumn(
        SHOWN["status"].label,
        ("status",),
        ("status", "suspended_until", "valid_until"),
        lambda account: (account.state.value,),
    ),
    "joined": plain_column(SHOWN["joined"].label, "joined", "date_joined"),
    "seen": plain_column(SHOWN["seen"].label, "last_seen", "last_seen_at"),
    "source": plain_column(SHOWN["source"].label, "source"),
    "source_id": plain_column(SHOWN["source_id"].label, "source_id"),
    "mfa": plain_column(SHOWN["mfa"].label, "second_factor", "has_second_factor"),
    "must_change": plain_column(SHOWN["must_change"].label, "must_change_password"),
}


def chosen_columns(names: Any) -> list[str]:
    """Of what a job has stored, the columns that there are, in the order of the file."""
    return [name for name in EXPORT_COLUMNS if name in names] if isinstance(names, list) else []


def file_heads(names: Iterable[str]) -> list[str]:
    return [head for name in names for head in EXPORT_COLUMNS[name].heads]


def fields_needed(names: Iterable[str]) -> set[str]:
    return {"id", *(field for name in names for field in EXPORT_COLUMNS[name].fields)}


def account_from_values(values: dict[str, Any]) -> User:
    """To be read and not to be saved: with these fields alone. Made by Django they took a third of
    the time of an export.
    """
    bare = User.__new__(User)
    bare.__dict__.update(values)
    return bare


def file_rows(accounts: Iterable[User], names: list[str], form: str) -> Iterator[tuple[int, str]]:
    """Of each account its id and its row as text; as they are given, masked or not."""
    columns = [EXPORT_COLUMNS[name].values for name in names]
    line = csv_line if form == "csv" else json_line_writer(file_heads(names))
    for account in accounts:
        yield account.pk, line([value for values in columns for value in values(account)])


class EchoWriter:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


WRITER = csv.writer(EchoWriter())


def csv_line(values: list[Any]) -> str:
    """RFC 4180. Nothing in it begins as a formula of a spreadsheet does."""
    line: str = WRITER.writerow([cell_text(value) for value in values])
    return line


def cell_text(value: Any) -> str:
    if isinstance(value, str):
        return escape_formula(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return iso_moment(value)
    return "" if value is None else str(value)


def json_line_writer(names: list[str]) -> Callable[[list[Any]], str]:
    def line(values: list[Any]) -> str:
        told = (iso_moment(value) if isinstance(value, datetime) else value for value in values)
        return json.dumps(dict(zip(names, told, strict=True)), ensure_ascii=False) + "\n"

    return line


def iso_moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def file_header(export: Export) -> bytes:
    """What stands above the first row."""
    names = chosen_columns(export.job.parameters.get("columns"))
    form = export.job.parameters.get("format")
    return csv_line(list(file_heads(names))).encode() if form == "csv" else b""


def stream_file(export: Export) -> Iterator[bytes]:
    yield file_header(export)
    yield from export_store.read_export(export)


def measure_file(export: Export) -> tuple[int, int]:
    """Rows, and bytes with the beginning."""
    found = export.pieces.aggregate(rows=Sum("rows"), size=Sum("size"))
    return found["rows"] or 0, (found["size"] or 0) + len(file_header(export))
