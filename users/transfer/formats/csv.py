"""Reads CSV as RFC 4180 defines it and as spreadsheets write it. A file that is not clearly a table
is refused with a line and a reason.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from users.transfer.formats import ImportRecord, ImportSource, UnreadableFile
from users.transfer.formats.file_format import FileFormat
from users.transfer.formats.file_start import FileStart
from users.transfer.formats.options import ReadOptions
from users.transfer.formats.other_formats import refuse_other_text
from users.transfer.formats.text_lines import TextLines
from users.web.csv_text import unescape_formula

DELIMITERS = ",;\t"
# A first line that tells Excel the delimiter, such as "sep=;".
DELIMITER_LINE = re.compile(r'"?sep=([^\w\s"]|\t)"?[\s,;]*', re.IGNORECASE)
# Ctrl-Z ends the files of old programs.
BLANK_CHARACTERS = " \t\r\n\x1a"
COUNT_MISMATCH = "This row has {cells}, but there are {columns} columns."
SHORT_ROW_ADVICE = "If the missing cells are the last ones, use --short-rows."


@dataclass(frozen=True)
class CsvTable:
    """The rows of a file after its header."""

    rows: Any
    lines: TextLines
    # The columns in the order of the file. Those without a name are ignored.
    names: list[str]
    # Whether the last cells of a row may be missing.
    short_rows: bool

    def records(self) -> Iterator[ImportRecord]:
        """Yields the rows as records, without blank ones."""
        while True:
            line = self.lines.number + 1
            row = next_row(self.rows, self.lines, line)
            if row is None:
                return
            # Skips blank lines and the empty rows that spreadsheets write at the end.
            if any(row) and "".join(row).strip(BLANK_CHARACTERS):
                yield self.record(line, row)

    def record(self, line: int, row: list[str]) -> ImportRecord:
        """Returns one row as a record. Empty cells after the last column are dropped."""
        width = len(self.names)
        if len(row) > width and not any(map(str.strip, row[width:])):
            row = row[:width]
        if len(row) < width and self.short_rows:
            row = row + [""] * (width - len(row))
        if len(row) != width:
            misfit = COUNT_MISMATCH.format(cells=format_cells(len(row)), columns=width)
            if len(row) < width:
                misfit = f"{misfit} {SHORT_ROW_ADVICE}"
            return ImportRecord(line, misfit=misfit)
        # As exports write them: an apostrophe keeps spreadsheets from running a formula.
        cells = map(unescape_formula, row)
        values = dict(zip(self.names, cells, strict=True))
        values.pop("", None)
        return ImportRecord(line, values)


class CsvFile(FileFormat):
    """CSV with any delimiter. Every text file matches."""

    name = "csv"
    label = "CSV"
    extensions = (".csv", ".tsv", ".txt")

    def matches(self, start: FileStart) -> bool:
        return True

    def read(self, file: BinaryIO, name: str, options: ReadOptions) -> ImportSource:
        return read_csv(file, name, options)


def read_csv(file: BinaryIO, name: str, options: ReadOptions) -> ImportSource:
    """Returns the table in `file`. The first line after the skipped ones that is not blank has the
    names of the columns, unless the options have them.

    Without a delimiter, it is the one of comma, semicolon and tab that gives the most columns.
    Raises UnreadableFile, also during the iteration over the records.
    """
    encoding = options.encoding or FileStart.read(file, name).detected_encoding
    lines = TextLines(file, name, encoding)
    for _ in range(options.skip_lines):
        next(lines, None)
    first, stated_delimiter = read_start(lines)
    refuse_other_text(first, name, lines.number)
    lines.unread(first)
    given = clean_names(options.columns, name)
    delimiter = options.delimiter or stated_delimiter or sniff_delimiter(first, len(given))
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 0 if given else lines.number + 1
    names = given or check_columns(next_row(rows, lines, line), name, line)
    table = CsvTable(rows, lines, names, options.short_rows)
    return ImportSource(name, line, list(filter(None, names)), table.records())


def read_start(lines: TextLines) -> tuple[str, str]:
    """Returns the first line that is not blank, and the delimiter that a line before it states or
    "". Raises UnreadableFile if there is none.
    """
    line = next_filled_line(lines)
    if stated := DELIMITER_LINE.fullmatch(line):
        return next_filled_line(lines), stated[1]
    return line, ""


def next_filled_line(lines: TextLines) -> str:
    """Returns the next line that has more than blanks and delimiters. Raises UnreadableFile."""
    skipped = lines.number
    for line in lines:
        if line.strip(BLANK_CHARACTERS + DELIMITERS):
            return line
    reason = "The file has only blank lines." if lines.number else "The file is empty."
    if skipped:
        reason = "There is nothing after the skipped lines."
    raise UnreadableFile(lines.name, 0, reason)


def next_row(rows: Any, lines: TextLines, line: int) -> list[str] | None:
    """Returns the next row, which starts at `line`; None at the end. Raises UnreadableFile."""
    try:
        return next(rows, None)
    except csv.Error as error:
        if "unexpected end of data" in str(error) or "field limit" in str(error):
            reason = "A quotation mark opened in the row that starts here is not closed."
            raise UnreadableFile(lines.name, line, reason) from error
        if "expected after" in str(error):
            raise lines.problem(
                "There is text after a closing quotation mark. "
                'Write a quotation mark in a value twice: "".'
            ) from error
        raise lines.problem(f"This is not a CSV file: {error}.") from error


def clean_names(columns: Iterable[str], name: str) -> list[str]:
    """Returns the trimmed names of columns. Raises UnreadableFile for names that are given twice."""
    names = [column.strip() for column in columns]
    refuse_repeated_names(names, name, 0)
    return names


def check_columns(columns: list[str] | None, name: str, line: int) -> list[str]:
    """Returns the trimmed names of the columns, without nameless ones at the end. Raises
    UnreadableFile for unusable names.
    """
    columns = [column.strip() for column in columns or []]
    if not any(columns):
        raise UnreadableFile(name, line, "The column names are missing.")
    if columns[0].startswith("#"):
        reason = "This is a comment instead of the column names. Skip it with --skip-lines."
        raise UnreadableFile(name, line, f"{reason} (--skip-lines {line})")
    while not columns[-1]:
        columns.pop()
    if "" in columns:
        number = columns.index("") + 1
        reason = (
            f"Column {number} has no name. "
            "If the names are further down, skip the lines before them with --skip-lines. "
            f"Or name the columns yourself: --skip-lines {line} --columns NAME,NAME,NAME."
        )
        raise UnreadableFile(name, line, reason)
    refuse_repeated_names(columns, name, line)
    return columns


def refuse_repeated_names(columns: list[str], name: str, line: int) -> None:
    """Raises UnreadableFile if two columns have the same name."""
    for number, column in enumerate(columns, 1):
        first = columns.index(column) + 1
        if column and first < number:
            reason = f"Columns {first} and {number} have the same name, “{column}”."
            raise UnreadableFile(name, line, reason)


def sniff_delimiter(line: str, width: int) -> str:
    """Returns the delimiter that splits a line into `width` cells, or else into the most."""

    def fit(delimiter: str) -> tuple[bool, int]:
        cells = len(next(csv.reader([line], delimiter=delimiter)))
        return cells == width, cells

    return max(DELIMITERS, key=fit)


def format_cells(number: int) -> str:
    """Returns a number of cells, e.g. "1 cell" or "3 cells"."""
    return "1 cell" if number == 1 else f"{number} cells"
