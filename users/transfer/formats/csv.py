"""Reads CSV as RFC 4180 defines it and as spreadsheets write it. A file that is not clearly a table
is refused with a line and a reason.
"""

import csv
import io
from codecs import lookup
from collections.abc import Iterator
from typing import BinaryIO

from users.transfer.formats import ImportRecord, ImportSource, UnreadableFile

DELIMITERS = ",;\t"
# In characters. A file without line ends must not fill the memory.
LINE_MAX = 1_000_000
SIGNATURES = {
    b"PK\x03\x04": (
        "This is a ZIP archive or an Excel workbook. Save the sheet as CSV (UTF-8) first."
    ),
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
    """Returns the table in `file`. The first line after `skip_lines` has the names of the columns.
    Without a `delimiter`, it is the one of comma, semicolon and tab that gives the most columns.

    Raises UnreadableFile, also during the iteration over the records.
    """
    refuse_signature(file, name)
    lines = TextLines(file, name, encoding)
    for _ in range(skip_lines):
        next(lines, None)
    header = next(lines, "")
    if not header:
        reason = "There is nothing after the skipped lines." if skip_lines else "The file is empty."
        raise UnreadableFile(name, 0, reason)
    delimiter = delimiter or sniff_delimiter(header)
    # A quoted name may contain a line end, so the reader gets the header again and takes as many
    # lines as it needs.
    rows = csv.reader(chain_lines(header, lines), delimiter=delimiter, strict=True)
    line = lines.number
    columns = check_columns(next_row(rows, lines, name, line), name, line)
    return ImportSource(name, line, columns, read_records(rows, lines, name, columns))


def refuse_signature(file: BinaryIO, name: str) -> None:
    """Raises UnreadableFile if the first bytes show that the file is not text."""
    start = file.peek(4)[:4] if isinstance(file, io.BufferedReader) else b""
    for signature, reason in SIGNATURES.items():
        if start.startswith(signature):
            raise UnreadableFile(name, 0, reason)


def read_records(rows, lines: "TextLines", name: str, columns: list[str]) -> Iterator[ImportRecord]:
    """Yields the rows as records, without blank ones."""
    while True:
        line = lines.number + 1
        row = next_row(rows, lines, name, line)
        if row is None:
            return
        # Skips blank lines and the empty rows that spreadsheets write at the end.
        if not any(row):
            continue
        if len(row) == len(columns):
            yield ImportRecord(line, dict(zip(columns, row, strict=True)))
            continue
        cells = format_cells(len(row))
        misfit = f"This row has {cells}, but there are {len(columns)} columns."
        yield ImportRecord(line, misfit=misfit)


def next_row(rows, lines: "TextLines", name: str, line: int) -> list[str] | None:
    """Returns the next row, which starts at `line`; None at the end. Raises UnreadableFile."""
    try:
        return next(rows, None)
    except csv.Error as error:
        if "unexpected end of data" in str(error) or "field limit" in str(error):
            reason = "A quotation mark opened in the row that starts here is not closed."
            raise UnreadableFile(name, line, reason) from error
        if "expected after" in str(error):
            reason = (
                "There is text after a closing quotation mark. "
                'Write a quotation mark in a value twice: "".'
            )
            raise UnreadableFile(name, lines.number, reason) from error
        raise UnreadableFile(name, lines.number, f"This is not a CSV file: {error}.") from error


def check_columns(columns: list[str] | None, name: str, line: int) -> list[str]:
    """Returns the trimmed names of the columns. Raises UnreadableFile for unusable names."""
    columns = [column.strip() for column in columns or []]
    if not any(columns):
        raise UnreadableFile(name, line, "The column names are missing.")
    if columns[0].startswith("#"):
        reason = "This is a comment instead of the column names. Skip it with --skip-lines."
        raise UnreadableFile(name, line, f"{reason} (--skip-lines {line})")
    if "" in columns:
        number = columns.index("") + 1
        reason = (
            f"Column {number} has no name. "
            "If the names are further down, skip the lines before them with --skip-lines."
        )
        raise UnreadableFile(name, line, reason)
    for number, column in enumerate(columns, 1):
        first = columns.index(column) + 1
        if first < number:
            reason = f"Columns {first} and {number} have the same name, “{column}”."
            raise UnreadableFile(name, line, reason)
    return columns


def sniff_delimiter(header: str) -> str:
    """Returns the delimiter that splits the header into the most names."""

    def count_names(delimiter: str) -> int:
        return len(next(csv.reader([header], delimiter=delimiter)))

    return max(DELIMITERS, key=count_names)


def format_cells(number: int) -> str:
    """Returns a number of cells, e.g. "1 cell" or "3 cells"."""
    return "1 cell" if number == 1 else f"{number} cells"


def chain_lines(first: str, rest: Iterator[str]) -> Iterator[str]:
    """Yields `first`, then `rest`."""
    yield first
    yield from rest


class TextLines(Iterator[str]):
    """Iterates over the lines of a file, with their line ends. Raises UnreadableFile if the file is
    not text.
    """

    def __init__(self, file: BinaryIO, name: str, encoding: str):
        try:
            # Bytes that are invalid in this encoding become lone surrogates, so that the message
            # can name the line.
            self.text = io.TextIOWrapper(
                file,  # type: ignore[arg-type]
                encoding,
                errors="surrogateescape",
                newline="",
            )
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
                "This line contains a NUL character, so the file is not text. "
                "If it is UTF-16, use --encoding utf-16."
            )
        if len(line) == LINE_MAX:
            raise self.problem(
                f"This line is longer than {LINE_MAX:,} characters, so this is not a CSV file."
            )
        if not line.isascii():
            lost = next((char for char in line if "\ud800" <= char <= "\udfff"), "")
            if lost:
                raise self.undecodable(self.number, f"byte 0x{ord(lost) & 0xFF:02X}")
        return line

    def problem(self, reason: str) -> UnreadableFile:
        """Returns an exception about the current line."""
        return UnreadableFile(self.name, self.number, reason)

    def undecodable(self, line: int, what: str) -> UnreadableFile:
        """Returns an exception about a line that is invalid in the encoding."""
        reason = (
            f"This can’t be read as {self.encoding} ({what}). "
            "Give the encoding, for example --encoding cp1252."
        )
        return UnreadableFile(self.name, line, reason)
