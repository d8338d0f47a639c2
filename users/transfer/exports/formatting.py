"""The columns, headings and rows of exported files, taken from the columns of the directory."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.db.models import Sum

from users.directory.columns import COLUMNS, NAME_COLUMN
from users.models import User
from users.transfer.exports import piece_store
from users.transfer.exports.file_job import file_job
from users.transfer.models import Export
from users.web.csv_text import BYTE_ORDER_MARK, LINE_WRITER, escape_formula

EXPORT_FORMATS = {"csv": "CSV", "jsonl": "JSON Lines"}
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson; charset=utf-8",
    "zip": "application/zip",
}
# The first columns of a file, in this order. The others follow in the order of the directory.
FIRST_COLUMNS = ("id", "username", "name", "email", "verified", "domain", "phone")
ALL_COLUMNS = COLUMNS | {NAME_COLUMN.name: NAME_COLUMN}
EXPORT_COLUMNS = {name: ALL_COLUMNS[name] for name in dict.fromkeys((*FIRST_COLUMNS, *COLUMNS))}


def chosen_columns(names: Any) -> list[str]:
    """Returns the stored columns of a job without unknown ones, in the order of the file."""
    if not isinstance(names, list):
        return []
    return [name for name in EXPORT_COLUMNS if name in names]


def file_headings(names: Iterable[str]) -> list[str]:
    """Returns the headings of the file for these columns. A column may have several."""
    return [heading for name in names for heading in EXPORT_COLUMNS[name].export_headings]


def fields_needed(names: Iterable[str]) -> set[str]:
    """Returns the account's fields that these columns read, and "id"."""
    return {"id", *(field for name in names for field in EXPORT_COLUMNS[name].fields)}


def account_from_values(values: dict[str, Any]) -> User:
    """Returns an account with these fields only, to be read and never saved. Instances created by
    Django took a third of the time of an export.
    """
    account = User.__new__(User)
    account.__dict__.update(values)
    return account


def file_rows(
    accounts: Iterable[User], names: list[str], file_format: str
) -> Iterator[tuple[int, str]]:
    """Yields the id of each account with its row as text. The caller has masked the accounts."""
    columns = [EXPORT_COLUMNS[name].export_values for name in names]
    line = csv_line if file_format == "csv" else json_line_writer(file_headings(names))
    for account in accounts:
        yield account.pk, line([value for values in columns for value in values(account)])


def csv_line(values: list[Any]) -> str:
    """Returns one line of CSV, in which no cell is a formula."""
    line: str = LINE_WRITER.writerow([cell_text(value) for value in values])
    return line


def cell_text(value: Any) -> str:
    """Returns a value as the text of a CSV cell."""
    if isinstance(value, str):
        return escape_formula(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return iso_moment(value)
    return "" if value is None else str(value)


def json_line_writer(names: list[str]) -> Callable[[list[Any]], str]:
    """Returns a function that returns values as one line of JSON with these names."""

    def write_line(values: list[Any]) -> str:
        named = dict(zip(names, values, strict=True))
        return json.dumps(named, ensure_ascii=False, default=iso_moment) + "\n"

    return write_line


def iso_moment(at: datetime) -> str:
    """Returns a point in time in UTC to the second, e.g. 2026-03-01T12:30:00Z."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def file_header(export: Export) -> bytes:
    """Returns the bytes before the first row: the headings of a CSV, nothing in JSON Lines, which
    may have no byte order mark (RFC 8259).
    """
    if export.job.parameters.get("format") != "csv":
        return b""
    headings = file_job(export).headings(export.job)
    return f"{BYTE_ORDER_MARK}{csv_line(headings)}".encode()


def stream_file(export: Export) -> Iterator[bytes]:
    """Yields the whole file, one stored part after the other."""
    yield file_header(export)
    yield from piece_store.read_export(export)


def measure_file(export: Export) -> tuple[int, int]:
    """Returns the number of rows, and the number of bytes including the headings."""
    found = export.pieces.aggregate(rows=Sum("rows"), size=Sum("size"))
    return found["rows"] or 0, (found["size"] or 0) + len(file_header(export))
