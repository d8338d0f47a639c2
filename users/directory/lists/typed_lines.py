"""Reads the lines of a pasted text or a file, or one column of a table."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from users.directory.lists.models import NAME_MAX, TEXT_MAX, LineKind
from users.typed_text import remove_hidden
from users.web.csv_text import BYTE_ORDER_MARK, MARK_COLUMN, unguard_values
from users.web.query_string import is_id_text

LINES_MAX = 100_000
FILE_MAX_BYTES = 8_000_000
TOO_LARGE = "The file is too large. Split it into files of at most 8 MB."
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
LINE_BREAK = re.compile("\r\n|\r|\n")
DELIMITERS = "\t;,|"
# Between the addresses of a line that an email program has copied.
ADDRESS_BREAK = re.compile("[;,]")
# Known headings with the kind of their cells. The column with the first of these is read. Cells
# below "ID" may be of any kind: it may be an ID in another system.
HEADINGS = {
    "account_id": LineKind.ID,
    "account id": LineKind.ID,
    "email": LineKind.ANY,
    "e-mail": LineKind.ANY,
    "email address": LineKind.ANY,
    "e-mail address": LineKind.ANY,
    "mail": LineKind.ANY,
    "username": LineKind.USERNAME,
    "user name": LineKind.USERNAME,
    "login": LineKind.USERNAME,
    "id": LineKind.ANY,
    "user id": LineKind.ANY,
    "user_id": LineKind.ANY,
    "phone": LineKind.PHONE,
    "phone number": LineKind.PHONE,
    "telephone": LineKind.PHONE,
    "mobile": LineKind.PHONE,
    "name": LineKind.NAME,
    "full name": LineKind.NAME,
    "text": LineKind.ANY,
}
SEVERAL_COLUMNS = (
    "The text has {} columns, and none has a known heading. Enter the heading or the"
    " number of the column that names the accounts."
)


@dataclass(frozen=True)
class TypedLines:
    """The lines that are not empty, with their numbers. `column`: the heading of their column, ""
    without one; `kind`: the kind that the heading implies.
    """

    lines: list[tuple[int, str]]
    column: str = ""
    kind: LineKind = LineKind.ANY


def decode_upload(upload: Any) -> str:
    """Returns the text of an uploaded file. Raises ValidationError."""
    if upload.size > FILE_MAX_BYTES:
        raise ValidationError(TOO_LARGE, code="too_large")
    content: bytes = upload.read()
    encoding = "utf-16" if content.startswith(UTF_16_MARKS) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeError as error:
        line = content[: getattr(error, "start", 0)].count(b"\n") + 1
        text = f"Line {line} is not UTF-8. Save the file as “CSV UTF-8” and upload it again."
        raise ValidationError(text, code="encoding") from error


def read_lines(text: str, column: str = "") -> TypedLines:
    """Returns the lines of a text; of a table, one column. `column`: its heading or number, if
    typed. Raises ValidationError.
    """
    text = text.removeprefix(BYTE_ORDER_MARK)
    first = LINE_BREAK.split(text.lstrip(), maxsplit=1)[0]
    found = read_table(text, first, column) or read_plain_lines(text)
    if not found.lines:
        raise ValidationError("There are no lines.", code="empty")
    if len(found.lines) > LINES_MAX:
        message = f"There are {len(found.lines):,} lines. Use at most {LINES_MAX:,} in one list."
        raise ValidationError(message, code="too_many")
    return found


def read_plain_lines(text: str) -> TypedLines:
    """Returns the lines of a text without columns."""
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(LINE_BREAK.split(text), 1):
        lines += [(number, part) for part in line_parts(line)]
    heading = lines[0][1] if lines else ""
    kind = HEADINGS.get(heading.casefold())
    if kind is None:
        return TypedLines(lines)
    return TypedLines(
        lines[1:],
        column=heading,
        kind=kind,
    )


def line_parts(line: str) -> list[str]:
    """Returns the line without quotes around it, or its addresses if it has several."""
    parts = [line]
    if line.count("@") > 1:
        parts = ADDRESS_BREAK.split(line)
    cleaned = map(clean_line, parts)
    return list(filter(None, cleaned))


def clean_line(text: str) -> str:
    """Returns a line or a cell as it is stored: trimmed, without characters that nobody can see and
    of a bounded length.
    """
    text = remove_hidden(text.replace("\x00", "\ufffd")).strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].strip()
    if len(text) > TEXT_MAX:
        text = text[: TEXT_MAX - 1] + "…"
    return text


def read_table(text: str, first: str, column: str) -> TypedLines | None:
    """Returns one column of a table; None if the text is not a table: a name may have a comma too.
    `first`: its first line. Raises ValidationError if it is not clear which column.
    """
    delimiter = next((char for char in DELIMITERS if char in first), "")
    if not delimiter:
        return None
    cells = split_row(first, delimiter)
    names = [cell.casefold() for cell in cells]
    known = next((name for name in HEADINGS if name in names), "")
    if column:
        index = find_column_index(column, names)
    elif known:
        index = names.index(known)
    elif delimiter == "\t":
        message = SEVERAL_COLUMNS.format(len(cells))
        raise ValidationError({"column": message})
    else:
        return None
    rows = numbered_rows(text, delimiter)
    if column.isdigit() and not known:
        return TypedLines(column_lines(rows, index, len(names)))
    next(rows)
    mark_index = names.index(MARK_COLUMN) if MARK_COLUMN in names else len(names)
    return TypedLines(
        column_lines(rows, index, mark_index),
        column=cells[index][:NAME_MAX],
        kind=HEADINGS.get(names[index], LineKind.ANY),
    )


def column_lines(
    rows: Iterator[tuple[int, list[str]]],
    index: int,
    mark_index: int,
) -> list[tuple[int, str]]:
    """Returns the cells of one column that are not empty, with the numbers of their lines.
    `mark_index`: the column that says whether a row has guards (users/web/csv_text.py), if any.
    """
    lines = []
    for number, row in rows:
        if len(row) <= index:
            continue
        values = {"cell": row[index]}
        if mark_index < len(row):
            values[MARK_COLUMN] = row[mark_index]
        cell = clean_line(unguard_values(values)["cell"])
        if cell:
            lines.append((number, cell))
    return lines


def split_row(line: str, delimiter: str) -> list[str]:
    """Returns the cells of the first line, trimmed. Raises ValidationError for one that is not
    CSV.
    """
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise ValidationError(f"The first line is not valid CSV: {error}.", code="csv") from error
    return [cell.strip() for cell in cells]


def find_column_index(column: str, names: list[str]) -> int:
    """Returns the index of the column with this heading or number. Raises ValidationError."""
    wanted = column.strip().casefold()
    if wanted in names:
        return names.index(wanted)
    if is_id_text(wanted) and int(wanted) <= len(names):
        return int(wanted) - 1
    shown = ", ".join(names)[:200]
    message = f"There is no such column. The columns are: {shown}."
    raise ValidationError({"column": message})


def numbered_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the number of the line and the cells of each row that is not empty. Raises
    ValidationError for text that is not CSV.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        message = f"Line {reader.line_num} is not valid CSV: {error}."
        raise ValidationError(message, code="csv") from error
