"""The columns, headings and rows of exported files, taken from the columns of the directory."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from users.database.clock import utc_second_text
from users.directory.columns import COLUMNS, NAME_COLUMN
from users.models import User
from users.transfer.exports.scim import scim_writer
from users.transfer.exports.workbook import workbook_line
from users.web.csv_text import GUARDED_STARTS, LINE_WRITER, EchoFile, escape_formula

# The formats of every export; accounts have further ones.
EXPORT_FORMATS = {"csv": "CSV", "jsonl": "JSON Lines"}
ACCOUNT_FORMATS = {
    "csv": "CSV",
    "xlsx": "Excel workbook",
    "jsonl": "JSON Lines",
    "scim": "SCIM (JSON)",
}


class FileType(NamedTuple):
    extension: str
    content_type: str


WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILE_TYPES = {
    "csv": FileType("csv", "text/csv; charset=utf-8"),
    "xlsx": FileType("xlsx", WORKBOOK_TYPE),
    "jsonl": FileType("jsonl", "application/x-ndjson; charset=utf-8"),
    "scim": FileType("json", "application/scim+json; charset=utf-8"),
    "rollcall": FileType("jsonl", "application/x-ndjson; charset=utf-8"),
    "zip": FileType("zip", "application/zip"),
}
ARCHIVE_FORMAT = "rollcall"
FORMAT_LABELS = ACCOUNT_FORMATS | {ARCHIVE_FORMAT: "Rollcall archive", "zip": "Evidence bundle"}
CSV_SEPARATORS = {
    "": "Comma",
    "semicolon": "Semicolon",
    "tab": "Tab",
}
SEPARATOR_CHARACTERS = {
    "": ",",
    "semicolon": ";",
    "tab": "\t",
}
# The first columns of a file, in this order. The others follow in the order of the directory.
FIRST_COLUMNS = ("id", "username", "name", "email", "verified", "domain", "phone")
ALL_COLUMNS = COLUMNS | {NAME_COLUMN.name: NAME_COLUMN}
EXPORT_COLUMNS = {name: ALL_COLUMNS[name] for name in dict.fromkeys((*FIRST_COLUMNS, *COLUMNS))}
# SCIM has no resource without a userName (RFC 7643, 4.1.1).
REQUIRED_COLUMNS = {"scim": ("id", "username")}
Values = list[Any]


def chosen_columns(names: Any, file_format: str = "") -> list[str]:
    """Returns the stored columns of a job without unknown ones, in the order of the file, with
    those that the format requires.
    """
    if not isinstance(names, list):
        return []
    wanted = {*names, *REQUIRED_COLUMNS.get(file_format, ())}
    return [name for name in EXPORT_COLUMNS if name in wanted]


def file_headings(names: Iterable[str]) -> list[str]:
    """Returns the headings of the file for these columns. A column may have several."""
    return [heading for name in names for heading in EXPORT_COLUMNS[name].export_headings]


def fields_needed(names: Iterable[str]) -> set[str]:
    """Returns the fields of the account that these columns read, and "id"."""
    columns = (EXPORT_COLUMNS[name] for name in names)
    return {"id", *(field for column in columns for field in column.exported or column.fields)}


def account_from_values(values: dict[str, Any]) -> User:
    """Returns an account with these fields only, to be read and never saved. Instances created by
    Django took a third of the time of an export.
    """
    account = User.__new__(User)
    account.__dict__.update(values)
    return account


def written_rows(
    accounts: Iterable[User], names: list[str], write: Callable[[Values], str]
) -> Iterator[tuple[int, str]]:
    """Yields the id of each account with its row, as `write` returns it for the row's values. The
    caller has masked the accounts.
    """
    columns = [EXPORT_COLUMNS[name].export_values for name in names]
    for account in accounts:
        values = [value for read_values in columns for value in read_values(account)]
        yield account.__dict__["id"], write(values)


def row_writer(parameters: Mapping[str, Any], names: list[str]) -> "RowWriter":
    """Returns the writer of the format in a job's parameters."""
    file_format = parameters.get("format")
    if file_format == "csv":
        return CsvWriter(separator_character(parameters))
    if file_format == "xlsx":
        return RowWriter(workbook_line)
    headings = file_headings(names)
    if file_format == "scim":
        return RowWriter(scim_writer(headings))
    return RowWriter(json_line_writer(headings))


class RowWriter:
    """Writes the values of rows as text. `guarded`: whether it has guarded a cell."""

    guarded = False

    def __init__(self, line: Callable[[Values], str]):
        self.line = line


class CsvWriter(RowWriter):
    """Writes lines of CSV, in which no cell is a formula."""

    def __init__(self, separator: str = ","):
        super().__init__(self.csv_line)
        self.writer = csv.writer(EchoFile(), delimiter=separator)

    def csv_line(self, values: Values) -> str:
        cells = list(map(cell_text, values))
        for position, cell in enumerate(cells):
            if cell[:1] in GUARDED_STARTS:
                cells[position] = self.guard(cell)
        line: str = self.writer.writerow(cells)
        return line

    def guard(self, cell: str) -> str:
        """Returns the cell with an apostrophe in front if it needs one."""
        guarded = escape_formula(cell)
        self.guarded = self.guarded or guarded != cell
        return guarded


def separator_character(parameters: Mapping[str, Any]) -> str:
    """Returns the character between the cells of a CSV file."""
    return SEPARATOR_CHARACTERS[parameters.get("separator", "")]


def csv_line(values: Values) -> str:
    """Returns one line of CSV with commas, in which no cell is a formula."""
    line: str = LINE_WRITER.writerow([escape_formula(cell_text(value)) for value in values])
    return line


def cell_text(value: Any) -> str:
    """Returns a value as the text of a CSV cell."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return utc_second_text(value)
    return "" if value is None else str(value)


def json_line_writer(names: list[str]) -> Callable[[Values], str]:
    """Returns a function that returns values as one line of JSON with these names."""

    def write_line(values: Values) -> str:
        named = dict(zip(names, values, strict=True))
        return json_line(named)

    return write_line


def json_line(value: Mapping[str, Any]) -> str:
    """Returns an object as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, default=utc_second_text) + "\n"
