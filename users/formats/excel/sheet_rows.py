"""Reads the rows of a sheet from its XML."""

import math
from collections.abc import Iterator
from datetime import datetime, time
from typing import Any, BinaryIO

from openpyxl.utils.cell import column_index_from_string, get_column_letter
from openpyxl.utils.datetime import WINDOWS_EPOCH, from_excel

from users.formats import COLUMNS_MAX
from users.formats.damage import REPLACEMENT
from users.formats.excel.shared_strings import (
    SharedStrings,
    require_cell_size,
    unescape_text,
)
from users.formats.excel.xml_stream import BadXml, XmlFeed, local_name
from users.formats.table import TableRow

# The limit of Excel.
SHEET_COLUMNS_MAX = 16_384
# A spreadsheet has no more digits of a number.
EXACT_DIGITS = 15
CELL_PARTS = ("v", "t")
FORMULA_PROBLEM = (
    "Cell {cell} has a formula without a result. Open the workbook, save it, and try again."
)
ERROR_PROBLEM = "Cell {cell} has the error “{text}”. Fix it, or delete the column."
ROUNDED_PROBLEM = (
    "Cell {cell} has the number “{text}”, which the spreadsheet has rounded to 15 digits. "
    "Store long numbers as text."
)
DATE_PROBLEM = "Cell {cell} has the number “{text}”, which is not a date."
WIDE_PROBLEM = "This row has a value in column {column}, beyond the limit of {limit:,} columns."


class CellProblem(Exception):
    """A cell has no usable value. The message has a place for the cell and its text."""


class SheetTarget:
    """Collects the rows of a sheet in `rows`."""

    def __init__(self, strings: SharedStrings | None, date_styles: set[int], epoch: datetime):
        self.strings = strings
        # The numbers of the cell styles that show dates.
        self.date_styles = date_styles
        self.epoch = epoch
        self.events = 0
        self.is_finished = False
        self.rows: list[TableRow] = []
        self.line = 0
        self.column = 0
        # The texts of the current row by column.
        self.cells: dict[int, str] = {}
        self.problem = ""
        self.clear_cell({})

    def clear_cell(self, attributes: dict[str, str]) -> None:
        """Begins a cell."""
        self.kind = attributes.get("t", "n")
        self.style = int(attributes.get("s", 0))
        self.parts: list[str] = []
        self.size = 0
        self.is_text = False
        self.is_phonetic = False
        self.has_formula = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.events += 1
        name = local_name(tag)
        if name == "c":
            self.clear_cell(attributes)
            self.column = cell_column(attributes.get("r", ""), self.column)
        elif name in CELL_PARTS:
            self.is_text = not self.is_phonetic
        elif name == "f":
            self.has_formula = True
        elif name == "row":
            self.line = int(attributes.get("r", self.line + 1))
            self.column = 0
            self.cells = {}
            self.problem = ""
        elif name == "rPh":
            self.is_phonetic = True

    def data(self, text: str) -> None:
        if self.is_text:
            self.size += len(text)
            require_cell_size(self.size)
            self.parts.append(text)

    def end(self, tag: str) -> None:
        self.events += 1
        name = local_name(tag)
        if name in CELL_PARTS:
            self.is_text = False
        elif name == "c":
            self.end_cell()
        elif name == "row":
            self.end_row()
        elif name == "rPh":
            self.is_phonetic = False
        elif name == "sheetData":
            self.is_finished = True

    def end_cell(self) -> None:
        """Stores the text of a cell in its row."""
        text = "".join(self.parts)
        try:
            if value := self.value(text):
                self.cells[self.column] = value
        except CellProblem as problem:
            cell = f"{get_column_letter(self.column)}{self.line}"
            self.problem = self.problem or str(problem).format(cell=cell, text=text[:40])
            # In the rejected rows, which no import takes until it is replaced.
            self.cells[self.column] = f"{REPLACEMENT} {text}".rstrip()

    def value(self, text: str) -> str:
        """Returns the text of a cell. Raises CellProblem."""
        if not text:
            if self.has_formula and self.kind != "str":
                raise CellProblem(FORMULA_PROBLEM)
            return ""
        match self.kind:
            case "s":
                return self.shared_string(int(text))
            case "n" if self.style in self.date_styles:
                return serial_date(text, self.epoch)
            case "n":
                return exact_number(text)
            case "b":
                return "yes" if text == "1" else "no"
            case "e":
                raise CellProblem(ERROR_PROBLEM)
            case _:
                return unescape_text(text)

    def shared_string(self, number: int) -> str:
        """Returns the shared text of this number."""
        if self.strings is None or number < 0:
            raise BadXml
        return self.strings[number]

    def end_row(self) -> None:
        """Stores the row unless it is blank."""
        filled = [column for column, text in self.cells.items() if text.strip()]
        if not filled and not self.problem:
            return
        width = max(filled or self.cells)
        if width > COLUMNS_MAX:
            wide = WIDE_PROBLEM.format(column=get_column_letter(width), limit=COLUMNS_MAX)
            self.problem = self.problem or wide
            width = COLUMNS_MAX
        cells = [self.cells.get(column, "") for column in range(1, width + 1)]
        self.rows.append(TableRow(self.line, cells, damaged=True, problem=self.problem))


def read_sheet(
    stream: BinaryIO,
    strings: SharedStrings | None,
    date_styles: set[int],
    epoch: datetime = WINDOWS_EPOCH,
) -> Iterator[TableRow]:
    """Yields the rows of a sheet without blank ones. Raises BadXml and the exceptions of
    XmlFeed.
    """
    target = SheetTarget(strings, date_styles, epoch)
    feed = XmlFeed(stream, target)
    while feed.advance():
        yield from target.rows
        target.rows.clear()
    if not target.is_finished:
        raise BadXml


def cell_column(reference: str, last: int) -> int:
    """Returns the number of the column of a cell: by a reference such as "B7", else the next one.
    Raises BadXml.
    """
    column = last + 1
    if reference:
        column = column_index_from_string(reference.rstrip("0123456789"))
    if column > SHEET_COLUMNS_MAX:
        raise BadXml
    return column


def exact_number(text: str) -> str:
    """Returns a number as people write it. Raises CellProblem for one that was rounded."""
    if text.isdecimal():
        is_rounded = len(text) > EXACT_DIGITS and not text[EXACT_DIGITS:].strip("0")
    else:
        number = float(text)
        if not math.isfinite(number):
            raise CellProblem(ERROR_PROBLEM)
        if not number.is_integer():
            return text
        text = str(int(number))
        is_rounded = len(text.lstrip("-")) > EXACT_DIGITS
    if is_rounded:
        raise CellProblem(ROUNDED_PROBLEM)
    return text


def serial_date(text: str, epoch: datetime) -> str:
    """Returns the date or time of a number in ISO 8601. Raises CellProblem."""
    try:
        moment: Any = from_excel(float(text), epoch)
    except (ValueError, OverflowError) as error:
        raise CellProblem(DATE_PROBLEM) from error
    if isinstance(moment, datetime) and moment.time() == time():
        return moment.date().isoformat()
    return moment.isoformat()
