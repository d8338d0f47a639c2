"""Tables, as CSV files and sheets have them: a row with the names of the columns, then one row for
each account. Clear titles and comments above the names are skipped.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import dropwhile, islice
from typing import NamedTuple

from users.formats import (
    ImportRecord,
    ImportSource,
    UnreadableFile,
    refuse_many_columns,
)
from users.formats.damage import REPLACEMENT, describe_damage, replace_damage
from users.formats.options import ReadOptions
from users.web.csv_text import MARK_COLUMN, unguard_values

# Rows that are read ahead to find the one with the names.
PEEKED_ROWS = 25
# An ordinary file has fewer cells in these rows; the limit protects the memory from others.
PEEKED_CELLS = 100_000
COUNT_MISMATCH = "This row has {cells}, but there are {columns:,} columns."
NAMELESS_VALUE = "This row has a value in column {number}, which has no name."
SHORT_ROW_ADVICE = "If the missing cells are the last ones, accept short rows."
NAMES_ADVICE = "If the names are further down, skip the lines before them."


class TableRow(NamedTuple):
    """A row that is not blank."""

    line: int
    cells: list[str]
    # Whether a text may contain a damaged character.
    damaged: bool = False
    # The reason why the row cannot be used, such as a formula without a result.
    problem: str = ""


class PeekableRows(Iterator[TableRow]):
    """Rows that can be read ahead. An error among those is raised at its position, so that the rows
    before it are used.
    """

    def __init__(self, rows: Iterator[TableRow]):
        self.rows = rows
        self.ahead: list[TableRow] = []
        self.error: UnreadableFile | None = None

    def peek(self, number: int) -> list[TableRow]:
        """Returns at most `number` rows without using them up. Raises UnreadableFile if the first
        one cannot be read.
        """
        cells = 0
        try:
            for row in islice(self.rows, number - len(self.ahead)):
                self.ahead.append(row)
                cells += len(row.cells)
                if cells > PEEKED_CELLS:
                    break
        except UnreadableFile as error:
            self.error = error
        if self.error and not self.ahead:
            raise self.error
        return self.ahead

    def __next__(self) -> TableRow:
        if self.ahead:
            return self.ahead.pop(0)
        if self.error:
            raise self.error
        return next(self.rows)


@dataclass(frozen=True)
class Table:
    """The rows of a table after its names."""

    # In the order of the file, with "" for columns to ignore.
    names: list[str]
    # Whether the last cells of a row may be missing.
    short_rows: bool
    # The indexes of the columns without a name, which must be empty.
    nameless: list[int]
    # The encoding, for messages.
    encoding: str

    def records(self, rows: Iterable[TableRow]) -> Iterator[ImportRecord]:
        """Yields the rows as records."""
        for row in rows:
            yield self.record(row)

    def record(self, row: TableRow) -> ImportRecord:
        """Returns one row as a record. Empty cells after the last column are dropped."""
        width = len(self.names)
        cells = row.cells
        missing = width - len(cells)
        if missing < 0 and not any(map(str.strip, cells[width:])):
            cells = cells[:width]
        elif missing > 0 and self.short_rows:
            cells = cells + [""] * missing
        values = dict(zip(self.names, cells, strict=False))
        values.pop("", None)
        problem = row.problem or self.misfit(cells)
        if row.damaged and not problem:
            problem = describe_damage(values, self.encoding)
        if problem:
            return ImportRecord(row.line, self.shown_values(values, cells), problem)
        return ImportRecord(row.line, unguard_values(values))

    def misfit(self, cells: list[str]) -> str:
        """Returns why the cells do not fit the columns, or ""."""
        width = len(self.names)
        number = len(cells)
        if number != width:
            misfit = COUNT_MISMATCH.format(cells=format_cells(number), columns=width)
            return f"{misfit} {SHORT_ROW_ADVICE}" if number < width else misfit
        for column in self.nameless:
            if cells[column].strip():
                return NAMELESS_VALUE.format(number=column + 1)
        return ""

    def shown_values(self, values: dict[str, str], cells: list[str]) -> dict[str, str]:
        """Returns the values of a misfit, to be fixed and imported again. Until then no import
        takes them: REPLACEMENT stands for a missing cell, and before each one too many.
        """
        width = len(self.names)
        shown = {name: values.get(name, REPLACEMENT) for name in self.names}
        surplus = "".join(f" {REPLACEMENT} {cell}" for cell in cells[width:])
        if surplus and self.names[-1]:
            shown[self.names[-1]] += surplus
        shown.pop("", None)
        return replace_damage(shown)


def open_table(
    rows: Iterator[TableRow],
    name: str,
    options: ReadOptions,
    *,
    encoding: str = "",
) -> ImportSource:
    """Returns the table that the rows make. The names of the columns are those of the options, or
    of the first row that is no title or comment. Raises UnreadableFile.
    """
    given = clean_names(options.columns, name)
    ahead = PeekableRows(rows)
    line = 0
    names = given
    if given:
        ahead.peek(1)
    else:
        for _ in range(header_index(ahead.peek(PEEKED_ROWS))):
            next(ahead)
        header = next(ahead, TableRow(0, []))
        line = header.line
        names = check_names(header, name, encoding)
    nameless = []
    if not given:
        nameless = [index for index, text in enumerate(names) if not text]
    table = Table(
        names=names,
        short_rows=options.short_rows,
        nameless=nameless,
        encoding=encoding,
    )
    columns = [column for column in names if column not in ("", MARK_COLUMN)]
    return ImportSource(name, line, columns, table.records(ahead))


def header_index(rows: list[TableRow]) -> int:
    """Returns the index of the row with the names: the first one that is no title or comment."""
    for index, row in enumerate(rows[:-1]):
        if not is_above_names(row, rows[index + 1 :]):
            return index
    return max(0, len(rows) - 1)


def is_above_names(row: TableRow, following: list[TableRow]) -> bool:
    """Returns whether a row is a title or a comment, by the rows after it."""
    texts = filled_texts(row)
    if not texts or not texts[0].startswith("#"):
        return is_title(row) and is_wider_table(following)
    if len(texts) == 1:
        return True
    # A comment with delimiters, unless it is a column such as "#" or "#id".
    width = len(trim_cells(row.cells))
    next_width = len(trim_cells(following[0].cells))
    return " " in texts[0] and width != next_width


def is_title(row: TableRow) -> bool:
    """Returns whether a row has only one text, which is no column name: it is a sentence, a version
    such as "version:v1.0", or stands in a row of several cells.
    """
    texts = filled_texts(row)
    if len(texts) > 1:
        return False
    if not texts or len(row.cells) > 1:
        return True
    return ":" in texts[0] or " " in texts[0]


def is_wider_table(rows: list[TableRow]) -> bool:
    """Returns whether rows, after further titles, begin with names and an account of several cells
    each.
    """
    table = dropwhile(is_title, rows)
    header = next(table, None)
    row = next(table, None)
    if header is None or row is None:
        return False
    names = trim_cells(header.cells)
    width = len(trim_cells(row.cells))
    return all(map(str.strip, names)) and 1 < width <= len(names)


def filled_texts(row: TableRow) -> list[str]:
    """Returns the trimmed texts of a row, without blank ones."""
    return list(filter(None, map(str.strip, row.cells)))


def trim_cells(cells: list[str]) -> list[str]:
    """Returns cells without blank ones at the end."""
    end = len(cells)
    while end and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def clean_names(columns: Iterable[str], name: str) -> list[str]:
    """Returns the trimmed names of columns. Raises UnreadableFile if one is given twice."""
    names = [column.strip() for column in columns]
    refuse_repeated_names(names, name, 0)
    return names


def check_names(row: TableRow, name: str, encoding: str) -> list[str]:
    """Returns the trimmed names of the columns, without nameless ones at the end. Raises
    UnreadableFile for unusable names.
    """
    names = trim_cells([cell.strip() for cell in row.cells])
    if row.problem:
        raise UnreadableFile(name, row.line, row.problem)
    if not names:
        raise UnreadableFile(name, row.line, "The column names are missing.")
    refuse_many_columns(len(names), name, row.line)
    damaged = {f"Column {number}": text for number, text in enumerate(names, 1)}
    if damage := describe_damage(damaged, encoding):
        raise UnreadableFile(name, row.line, damage, "--encoding cp1252" if encoding else "")
    if names[0].startswith("#") and len(names) == 1:
        reason = f"This is a comment instead of the column names. {NAMES_ADVICE}"
        raise UnreadableFile(name, row.line, reason, f"--skip-lines {row.line}")
    refuse_repeated_names(names, name, row.line)
    return names


def refuse_repeated_names(columns: list[str], name: str, line: int) -> None:
    """Raises UnreadableFile if two columns have the same name."""
    numbers: dict[str, int] = {}
    for number, column in enumerate(columns, 1):
        first = numbers.setdefault(column, number)
        if column and first < number:
            reason = f"Columns {first} and {number} have the same name, “{column}”."
            raise UnreadableFile(name, line, reason)


def format_cells(number: int) -> str:
    """Returns a number of cells, e.g. "1 cell" or "3 cells"."""
    return "1 cell" if number == 1 else f"{number:,} cells"
