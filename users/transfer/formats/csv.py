"""CSV, as RFC 4180 and as spreadsheets write it. Anything that is not clearly a table stops with
its line and reason.
"""

import csv
import io
from codecs import lookup
from collections.abc import Iterator
from typing import BinaryIO

from users.transfer.formats import ImportRecord, ImportSource, UnreadableFile

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


def read_csv(
    file: BinaryIO,
    name: str,
    *,
    encoding: str = "utf-8-sig",
    delimiter: str = "",
    skip_lines: int = 0,
) -> ImportSource:
    """The table in `file`; the names of its columns are the first line after `skip_lines`. Raises
    Unreadable, also later from the records. No `delimiter`: the one of comma, semicolon and tab
    that parts the names best.
    """
    start = file.peek(4)[:4] if isinstance(file, io.BufferedReader) else b""
    for signature, reason in SIGNATURES.items():
        if start.startswith(signature):
            raise UnreadableFile(name, 0, reason)
    lines = TextLines(file, name, encoding)
    for _ in range(skip_lines):
        next(lines, None)
    header = next(lines, "")
    if not header:
        raise UnreadableFile(
            name,
            0,
            "The file is empty." if not skip_lines else "There is nothing after the skipped lines.",
        )
    # A name in quotes may hold a line end, so the reader gets the line back, and takes more if it
    # needs them.
    rows = csv.reader(
        chain_lines(header, lines), delimiter=delimiter or sniff_delimiter(header), strict=True
    )
    line = lines.number
    columns = check_columns(next_row(rows, lines, name, line), name, line)
    return ImportSource(name, line, columns, read_records(rows, lines, name, columns))


def read_records(rows, lines: "TextLines", name: str, columns: list[str]) -> Iterator[ImportRecord]:
    while True:
        line = lines.number + 1
        row = next_row(rows, lines, name, line)
        if row is None:
            return
        if not any(row):  # a blank line, or the empty rows that a spreadsheet leaves at its end
            continue
        if len(row) != len(columns):
            yield ImportRecord(
                line,
                misfit=f"This row has {format_cells(len(row))}, but there are {len(columns)} columns.",
            )
        else:
            yield ImportRecord(line, dict(zip(columns, row, strict=True)))


def next_row(rows, lines: "TextLines", name: str, line: int) -> list[str] | None:
    """The next row, or None at the end. `line` is where it starts."""
    try:
        return next(rows, None)
    except csv.Error as error:
        if "unexpected end of data" in str(error) or "field limit" in str(error):
            reason = "A quotation mark opened in the row that starts here is not closed."
            raise UnreadableFile(name, line, reason) from error
        if "expected after" in str(error):
            reason = 'There is text after a closing quotation mark. Write a quotation mark in a value twice: "".'
            raise UnreadableFile(name, lines.number, reason) from error
        raise UnreadableFile(name, lines.number, f"This is not a CSV file: {error}.") from error


def check_columns(columns: list[str] | None, name: str, line: int) -> list[str]:
    """The names, trimmed. Raises Unreadable where they can't be the names of columns."""
    columns = [column.strip() for column in columns or []]
    if not any(columns):
        raise UnreadableFile(name, line, "The column names are missing.")
    if columns[0].startswith("#"):
        reason = "This is a comment instead of the column names. Skip it with --skip-lines."
        raise UnreadableFile(name, line, f"{reason} (--skip-lines {line})")
    if "" in columns:
        number = columns.index("") + 1
        reason = f"Column {number} has no name. If the names are further down, skip the lines before them with --skip-lines."
        raise UnreadableFile(name, line, reason)
    for number, column in enumerate(columns, 1):
        if (first := columns.index(column) + 1) < number:
            raise UnreadableFile(
                name, line, f"Columns {first} and {number} have the same name, “{column}”."
            )
    return columns


def sniff_delimiter(header: str) -> str:
    return max(
        DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter)))
    )


def format_cells(number: int) -> str:
    return "1 cell" if number == 1 else f"{number} cells"


def chain_lines(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


class TextLines(Iterator[str]):
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
            raise UnreadableFile(name, 0, f"There is no text encoding “{encoding}”.") from error
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

    def problem(self, reason: str) -> UnreadableFile:
        return UnreadableFile(self.name, self.number, reason)

    def undecodable(self, line: int, what: str) -> UnreadableFile:
        reason = f"This can’t be read as {self.encoding} ({what}). Give the encoding, for example --encoding cp1252."
        return UnreadableFile(self.name, line, reason)
