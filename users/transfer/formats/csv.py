"""CSV, as RFC 4180 and as spreadsheets write it. Anything that is not clearly a table stops with
its line and reason.
"""

import csv
import io
from codecs import lookup
from collections.abc import Iterator
from typing import BinaryIO

from users.transfer.formats import Record, Source, Unreadable

DELIMITERS = ",;\t"
LINE_MAX = (
    1_000_000  # characters: a file without line ends is no table, and must not fill the memory
)
SIGNATURES = {
    b"PK\x03\x04": "This is a ZIP archive or an Excel workbook. Save the sheet as CSV (UTF-8) first.",
    b"\xd0\xcf\x11\xe0": "This is an old Excel workbook. Save the sheet as CSV (UTF-8) first.",
    b"\x1f\x8b": "This is a gzip archive. Unpack it first.",
    b"%PDF": "This is a PDF.",
}


def read(
    file: BinaryIO,
    name: str,
    *,
    encoding: str = "utf-8-sig",
    delimiter: str = "",
    skip_lines: int = 0,
) -> Source:
    """The table in `file`; the names of its columns are the first line after `skip_lines`. Raises
    Unreadable, also later from the records. No `delimiter`: the one of comma, semicolon and tab
    that parts the names best.
    """
    start = file.peek(4)[:4] if isinstance(file, io.BufferedReader) else b""
    for signature, reason in SIGNATURES.items():
        if start.startswith(signature):
            raise Unreadable(name, 0, reason)
    lines = Lines(file, name, encoding)
    for _ in range(skip_lines):
        next(lines, None)
    header = next(lines, "")
    if not header:
        raise Unreadable(
            name,
            0,
            "The file is empty." if not skip_lines else "There is nothing after the skipped lines.",
        )
    # A name in quotes may hold a line end, so the reader gets the line back, and takes more if it
    # needs them.
    rows = csv.reader(chained(header, lines), delimiter=delimiter or sniff(header), strict=True)
    line = lines.number
    columns = check(parsed(rows, lines, name, line), name, line)
    return Source(name, line, columns, records(rows, lines, name, columns))


def records(rows, lines: "Lines", name: str, columns: list[str]) -> Iterator[Record]:
    while True:
        line = lines.number + 1
        row = parsed(rows, lines, name, line)
        if row is None:
            return
        if not any(row):  # a blank line, or the empty rows that a spreadsheet leaves at its end
            continue
        if len(row) != len(columns):
            yield Record(
                line,
                misfit=f"This row has {cells(len(row))}, but there are {len(columns)} columns.",
            )
        else:
            yield Record(line, dict(zip(columns, row, strict=True)))


def parsed(rows, lines: "Lines", name: str, line: int) -> list[str] | None:
    """The next row, or None at the end. `line` is where it starts."""
    try:
        return next(rows, None)
    except csv.Error as error:
        if "unexpected end of data" in str(error) or "field limit" in str(error):
            reason = "A quotation mark opened in the row that starts here is not closed."
            raise Unreadable(name, line, reason) from error
        if "expected after" in str(error):
            reason = 'There is text after a closing quotation mark. Write a quotation mark in a value twice: "".'
            raise Unreadable(name, lines.number, reason) from error
        raise Unreadable(name, lines.number, f"This is not a CSV file: {error}.") from error


def check(columns: list[str] | None, name: str, line: int) -> list[str]:
    """The names, trimmed. Raises Unreadable where they can't be the names of columns."""
    columns = [column.strip() for column in columns or []]
    if not any(columns):
        raise Unreadable(name, line, "The column names are missing.")
    if columns[0].startswith("#"):
        reason = "This is a comment instead of the column names. Skip it with --skip-lines."
        raise Unreadable(name, line, f"{reason} (--skip-lines {line})")
    if "" in columns:
        number = columns.index("") + 1
        reason = f"Column {number} has no name. If the names are further down, skip the lines before them with --skip-lines."
        raise Unreadable(name, line, reason)
    for number, column in enumerate(columns, 1):
        if (first := columns.index(column) + 1) < number:
            raise Unreadable(
                name, line, f"Columns {first} and {number} have the same name, “{column}”."
            )
    return columns


def sniff(header: str) -> str:
    return max(
        DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter)))
    )


def cells(number: int) -> str:
    return "1 cell" if number == 1 else f"{number} cells"


def chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


class Lines(Iterator[str]):
    """The lines of a file as text, with their ends, counted from 1. Raises Unreadable for what is
    no text.
    """

    def __init__(self, file: BinaryIO, name: str, encoding: str):
        try:
            # Bytes that this encoding does not know become lone surrogates, so that the line can be
            # named.
            self.text = io.TextIOWrapper(file, encoding, errors="surrogateescape", newline="")  # type: ignore[arg-type]
            lookup(encoding)
        except LookupError as error:
            raise Unreadable(name, 0, f"There is no text encoding “{encoding}”.") from error
        self.name = name
        self.encoding = encoding
        self.number = 0

    def __next__(self) -> str:
        try:
            line = self.text.readline(LINE_MAX)
        except UnicodeError as error:
            raise self.undecodable(self.number + 1, str(error)) from error
        if not line:
            raise StopIteration
        self.number += 1
        if "\x00" in line:
            raise self.problem(
                "This line contains a NUL character, so the file is not text. If it is UTF-16, use --encoding utf-16."
            )
        if len(line) == LINE_MAX:
            raise self.problem(
                f"This line is longer than {LINE_MAX:,} characters, so this is not a CSV file."
            )
        if not line.isascii() and (
            lost := next((char for char in line if "\ud800" <= char <= "\udfff"), "")
        ):
            raise self.undecodable(self.number, f"byte 0x{ord(lost) & 0xFF:02X}")
        return line

    def problem(self, reason: str) -> Unreadable:
        return Unreadable(self.name, self.number, reason)

    def undecodable(self, line: int, what: str) -> Unreadable:
        reason = f"This can’t be read as {self.encoding} ({what}). Give the encoding, for example --encoding cp1252."
        return Unreadable(self.name, line, reason)
