"""Reads the rows of a CSV file of addresses to suppress. Each row is valid or has its own error."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_date

from users.database.clock import current_time
from users.email_addresses import email_key, normalise_email
from users.mail.suppressions import NewSuppression
from users.typed_text import refuse_hidden
from users.web.csv_text import BYTE_ORDER_MARK, LINE_WRITER, MARK_COLUMN, unguard_values
from users.web.forms import REASON_MAX

MAX_ROWS = 10_000
# Of a file. The preview sends the rows back.
MAX_BYTES = 800_000
# Of a form with the rows as a text, whose characters have up to four bytes.
FORM_MAX_BYTES = 4 * 1024 * 1024
HEADINGS = {
    "address": "address",
    "email": "address",
    "reason": "reason",
    "until": "until",
    # Not shown in messages: exports of Rollcall have it.
    MARK_COLUMN: MARK_COLUMN,
}
DEFAULT_ORDER = ("address", "reason", "until")
# Characters of a wrong cell that are shown.
SHOWN_LENGTH = 60
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
REPEATED = "Duplicate address. Only the first row is used."


@dataclass(frozen=True)
class RowError:
    """A row that is left out. `cell`: what it has as the address."""

    line: int
    cell: str
    message: str


@dataclass
class SuppressionFile:
    """The rows of a file."""

    entries: list[NewSuppression] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


def read_text(upload: Any) -> str:
    """Returns the text of an uploaded file. Raises ValidationError."""
    if upload.size > MAX_BYTES:
        limit = f"{MAX_BYTES // 1000:,} kB"
        raise ValidationError(f"The file is too large. Split it into files of at most {limit}.")
    content: bytes = upload.read()
    encoding = "utf-16" if content.startswith(UTF_16_MARKS) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeError as error:
        line = content[: getattr(error, "start", 0)].count(b"\n") + 1
        text = f"Line {line} is not UTF-8. Save the file as “CSV UTF-8” and upload it again."
        raise ValidationError(text, code="encoding") from error


def read_suppressions(text: str, reason: str) -> SuppressionFile:
    """Returns the rows of a text. `reason`: for rows without one. Raises ValidationError for a text
    that is not CSV or has too many rows.
    """
    found = SuppressionFile()
    seen: set[str] = set()
    order: tuple[str, ...] = ()
    for line, cells in csv_rows(text):
        if not order:
            order, is_heading = column_order(cells)
            if is_heading:
                continue
        if len(found.entries) + len(found.errors) >= MAX_ROWS:
            raise ValidationError(f"Too many rows. Use at most {MAX_ROWS:,} per file.")
        values = unguard_values(dict(zip(order, cells, strict=False)))
        try:
            require_width(cells, order)
            entry = row_entry(values, reason)
            if email_key(entry.address) in seen:
                raise ValidationError(REPEATED)
        except ValidationError as error:
            shown = printable_cell(values.get("address", ""))
            found.errors.append(RowError(line, shown, " ".join(error.messages)))
        else:
            seen.add(email_key(entry.address))
            found.entries.append(entry)
    if not found.entries and not found.errors:
        raise ValidationError("There are no rows.")
    return found


def csv_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the number of the line and the cells of each row that is not empty."""
    text = text.removeprefix(BYTE_ORDER_MARK)
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            stripped = list(map(str.strip, cells))
            if any(stripped):
                yield reader.line_num, stripped
    except csv.Error as error:
        text = f"Line {reader.line_num} is not valid CSV: {error}."
        raise ValidationError(text, code="csv") from error


def column_order(cells: list[str]) -> tuple[tuple[str, ...], bool]:
    """Returns the columns of the file, and whether its first row has their headings."""
    names = [cell.casefold() for cell in cells]
    if not any(name in ("address", "email") for name in names):
        return DEFAULT_ORDER, False
    if unknown := [cell for cell, name in zip(cells, names, strict=True) if name not in HEADINGS]:
        shown = printable_cell(unknown[0])
        text = f"There is no column “{shown}”. The columns are address, reason and until."
        raise ValidationError(text, code="columns")
    return tuple(HEADINGS[name] for name in names), True


def require_width(cells: list[str], order: tuple[str, ...]) -> None:
    """Raises ValidationError for a row with more cells than columns, such as many addresses."""
    if any(cells[len(order) :]):
        raise ValidationError(f"The row has more than {len(order)} columns.")


def row_entry(values: dict[str, str], reason: str) -> NewSuppression:
    """Returns what a row suppresses. Raises ValidationError."""
    address = normalise_email(values.get("address", ""))
    if not address:
        raise ValidationError("The address is missing.")
    own_reason = refuse_hidden(values.get("reason", ""))
    if len(own_reason) > REASON_MAX:
        raise ValidationError(f"A reason can have at most {REASON_MAX:,} characters.")
    return NewSuppression(
        address=address,
        reason=own_reason or reason,
        until=parse_until(values.get("until", "")),
    )


def parse_until(text: str) -> datetime | None:
    """Returns the end of a day in UTC, or None for an empty text. Raises ValidationError."""
    if not text:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise ValidationError("Enter the end date as YYYY-MM-DD, such as 2027-03-31.")
    try:
        until = datetime.combine(day, time.min, tzinfo=UTC) + timedelta(days=1)
    except OverflowError as error:
        text = "That date is too far in the future. Leave it empty for no end."
        raise ValidationError(text) from error
    if until <= current_time():
        raise ValidationError("The end is in the past.")
    return until


def write_rows(entries: list[NewSuppression]) -> str:
    """Returns the entries as a text that `read_suppressions` reads. No spreadsheet opens it, so
    its cells have no guards.
    """
    lines = ["address,reason,until\r\n"]
    for entry in entries:
        until = last_day(entry.until)
        lines.append(LINE_WRITER.writerow([entry.address, entry.reason, until]))
    return "".join(lines)


def last_day(until: datetime | None) -> str:
    """Returns the day that `parse_until` reads; "" for None."""
    return f"{until - timedelta(days=1):%Y-%m-%d}" if until else ""


def printable_cell(text: str) -> str:
    """Returns the beginning of a cell with its invisible characters replaced."""
    shown = text[:SHOWN_LENGTH]
    for char in set(shown):
        if not char.isprintable():
            shown = shown.replace(char, "\ufffd")
    return shown
