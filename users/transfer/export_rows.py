"""The columns, headings and rows of an exported file, read from the columns of the directory."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.db.models import Sum

from users.directory.columns import COLUMNS, NAME_COLUMN
from users.models import User
from users.transfer import export_store
from users.transfer.models import Export
from users.web.csv_text import LINE_WRITER, escape_formula

EXPORT_FORMATS = {"csv": "CSV", "jsonl": "JSON Lines"}
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson; charset=utf-8"}


# These columns stand first in a file, in this order; the others follow as in the directory.
FIRST_COLUMNS = ("id", "username", "name", "email", "verified", "domain", "phone")
ALL_COLUMNS = COLUMNS | {NAME_COLUMN.name: NAME_COLUMN}
EXPORT_COLUMNS = {name: ALL_COLUMNS[name] for name in dict.fromkeys((*FIRST_COLUMNS, *COLUMNS))}


def chosen_columns(names: Any) -> list[str]:
    """The columns that a job has stored, in the order of the file, without unknown ones."""
    return [name for name in EXPORT_COLUMNS if name in names] if isinstance(names, list) else []


def file_headings(names: Iterable[str]) -> list[str]:
    """The headings of the file for these columns; a column may have several."""
    return [heading for name in names for heading in EXPORT_COLUMNS[name].export_headings]


def fields_needed(names: Iterable[str]) -> set[str]:
    """The fields of the account that these columns are made of, and its id."""
    return {"id", *(field for name in names for field in EXPORT_COLUMNS[name].fields)}


def account_from_values(values: dict[str, Any]) -> User:
    """An account with these fields alone, to be read and never saved. Accounts made by Django took
    a third of the time of an export.
    """
    bare = User.__new__(User)
    bare.__dict__.update(values)
    return bare


def file_rows(accounts: Iterable[User], names: list[str], form: str) -> Iterator[tuple[int, str]]:
    """The id of each account with its row as text. The accounts come masked where they must be."""
    columns = [EXPORT_COLUMNS[name].export_values for name in names]
    line = csv_line if form == "csv" else json_line_writer(file_headings(names))
    for account in accounts:
        yield account.pk, line([value for values in columns for value in values(account)])


def csv_line(values: list[Any]) -> str:
    """Returns one line of CSV, in which no cell is a formula."""
    line: str = LINE_WRITER.writerow([cell_text(value) for value in values])
    return line


def cell_text(value: Any) -> str:
    """A value as text of a CSV cell."""
    if isinstance(value, str):
        return escape_formula(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return iso_moment(value)
    return "" if value is None else str(value)


def json_line_writer(names: list[str]) -> Callable[[list[Any]], str]:
    """A function that returns values as one line of JSON with these names."""

    def line(values: list[Any]) -> str:
        plain = [iso_moment(value) if isinstance(value, datetime) else value for value in values]
        named = dict(zip(names, plain, strict=True))
        return json.dumps(named, ensure_ascii=False) + "\n"

    return line


def iso_moment(at: datetime) -> str:
    """A point in time in UTC to the second, such as 2026-03-01T12:30:00Z."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def file_header(export: Export) -> bytes:
    """The bytes above the first row: the headings of a CSV, nothing in JSON Lines."""
    names = chosen_columns(export.job.parameters.get("columns"))
    form = export.job.parameters.get("format")
    return csv_line(list(file_headings(names))).encode() if form == "csv" else b""


def stream_file(export: Export) -> Iterator[bytes]:
    """The whole file, one stored part after the other."""
    yield file_header(export)
    yield from export_store.read_export(export)


def measure_file(export: Export) -> tuple[int, int]:
    """The number of rows, and the number of bytes with the headings."""
    found = export.pieces.aggregate(rows=Sum("rows"), size=Sum("size"))
    return found["rows"] or 0, (found["size"] or 0) + len(file_header(export))
