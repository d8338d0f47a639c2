"""Reads CSV as RFC 4180 defines it and as spreadsheets write it. A file that is not clearly a table
is refused with a line and a reason.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from users.formats import ImportSource, UnreadableFile
from users.formats.file_format import FileFormat
from users.formats.file_start import FileStart
from users.formats.options import ReadOptions
from users.formats.other_formats import refuse_other_text
from users.formats.table import TableRow, open_table
from users.formats.text_lines import TextLines, refuse_wrong_encoding

DELIMITERS = ",;\t|"
# A first line that tells Excel the delimiter, such as "sep=;".
DELIMITER_LINE = re.compile(r'"?sep=([^\w\s"]|\t)"?[\s,;]*', re.IGNORECASE)
# Ctrl-Z ends the files of old programs.
BLANK_CHARACTERS = " \t\r\n\x1a"
# In characters. The parser limits cells, and not their number.
ROW_MAX = 2_000_000
# Lines from which the delimiter is detected.
DELIMITER_LINES = 30


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
    """Returns the table in `file`. The first line after the skipped ones that is not blank and no
    title has the names of the columns, unless the options have them.

    Without a delimiter, it is the one of DELIMITERS that gives the most even table. Raises
    UnreadableFile, also during the iteration over the records.
    """
    start = FileStart.read(file, name, options.encoding)
    encoding = start.detected_encoding
    if encoding == "utf-8":
        refuse_wrong_encoding(start.content, name)
    lines = TextLines(file, name, encoding)
    for _ in range(options.skip_lines):
        next(lines, None)
    delimiter = read_start(lines, len(options.columns))
    rows = csv_table_rows(lines, options.delimiter or delimiter)
    return open_table(rows, name, options, encoding=encoding)


def read_start(lines: TextLines, width: int) -> str:
    """Skips the blank lines at the start of a file and a line that states the delimiter. Returns
    that one, or the detected delimiter for `width` columns. Raises UnreadableFile if there are only
    blank lines.
    """
    stated = DELIMITER_LINE.fullmatch(first_line(lines))
    if stated:
        next(lines)
    first = first_line(lines)
    refuse_other_text(first, lines.name, lines.number + 1)
    return stated[1] if stated else detect_delimiter(lines.peek(DELIMITER_LINES), width)


def first_line(lines: TextLines) -> str:
    """Skips lines that have only blanks and delimiters. Returns the next line, which stays unread.
    Raises UnreadableFile if there is none.
    """
    skipped = lines.number
    while ahead := lines.peek(1):
        if ahead[0].strip(BLANK_CHARACTERS + DELIMITERS):
            return ahead[0]
        next(lines)
    if lines.error:
        raise lines.error
    reason = "The file has only blank lines." if lines.number else "The file is empty."
    if skipped:
        reason = "There is nothing after the skipped lines."
    raise UnreadableFile(lines.name, 0, reason)


class RowLines(Iterator[str]):
    """The lines of a file for the CSV parser, which keeps a row in memory. Raises UnreadableFile if
    a row never ends.
    """

    def __init__(self, lines: TextLines):
        self.lines = lines
        # The characters of the current row, whose cells may have line ends.
        self.size = 0

    def __next__(self) -> str:
        line = next(self.lines)
        self.size += len(line)
        if self.size > ROW_MAX:
            raise self.lines.problem(f"This row is longer than {ROW_MAX:,} characters.")
        return line


def csv_table_rows(lines: TextLines, delimiter: str) -> Iterator[TableRow]:
    """Yields the rows of a file without blank ones, such as those that spreadsheets write at the
    end. Raises UnreadableFile.
    """
    row_lines = RowLines(lines)
    rows = csv.reader(row_lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.number + 1
        row_lines.size = 0
        row = next_row(rows, lines, line)
        if row is None:
            return
        if any(row) and "".join(row).strip(BLANK_CHARACTERS):
            yield TableRow(line, row, damaged=lines.damaged >= line)


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


def detect_delimiter(lines: Iterable[str], width: int) -> str:
    """Returns the delimiter that gives the most rows of equal width, or of `width` cells if that is
    known; of several ones the one with the most cells.
    """
    filled = [line for line in lines if line.strip(BLANK_CHARACTERS)]

    def fit(delimiter: str) -> tuple[float, int]:
        widths = row_widths(filled, delimiter)
        if width:
            return widths[width], 0
        cells, rows = max(widths.items(), key=width_rank, default=(0, 0))
        return (rows, cells) if cells > 1 else (0, 0)

    return max(DELIMITERS, key=fit)


def width_rank(item: tuple[int, int]) -> tuple[bool, int, int]:
    """Returns the rank of a pair of a number of cells and the number of rows that have it."""
    cells, rows = item
    return cells > 1, rows, cells


def row_widths(lines: list[str], delimiter: str) -> Counter[int]:
    """Returns how many rows have how many cells with a delimiter."""
    widths: Counter[int] = Counter()
    try:
        widths.update(map(len, csv.reader(lines, delimiter=delimiter)))
    except csv.Error:
        # A cell is too long, which the reader of the rows will report.
        widths[0] += 1
    return widths
