"""Writes stored rows as an Excel workbook, in constant memory: XlsxWriter keeps one row and writes
the sheets to temporary files.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain, count, islice
from tempfile import TemporaryFile
from typing import IO, Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

# Excel has 1,048,576 rows; the first one has the headings.
SHEET_ROWS = 1_048_575
# Excel calculates with 15 digits. A larger number is written as text.
EXACT_NUMBER = 10**15
MOMENT_FORMAT = "yyyy-mm-dd hh:mm:ss"
WIDE_COLUMNS = {"email": 34, "username": 26}
COLUMN_WIDTH = 20


def pack_workbook(pieces: Iterable[bytes], headings: list[str], made_at: datetime) -> IO[bytes]:
    """Returns the workbook as an open temporary file. `pieces`: lines of JSON, each an array with
    the values of a row. The same rows give the same bytes.
    """
    file = TemporaryFile()  # noqa: SIM115  the caller reads it; it goes with its last reference
    workbook = Workbook(file, {"constant_memory": True})
    workbook.use_zip64()
    workbook.set_properties({"created": made_at.replace(microsecond=0, tzinfo=None)})
    rows: Iterator[bytes] = chain.from_iterable(map(bytes.splitlines, pieces))
    writer = SheetWriter(workbook, headings)
    for number in count(1):
        writer.write_sheet(f"Accounts {number}", islice(rows, SHEET_ROWS))
        following = next(rows, None)
        if following is None:
            break
        rows = chain([following], rows)
    workbook.close()
    file.seek(0)
    return file


class SheetWriter:
    """Writes sheets with the same headings."""

    def __init__(self, workbook: Workbook, headings: list[str]):
        self.workbook = workbook
        self.headings = headings
        self.heading_format = workbook.add_format({"bold": True})
        self.moment_format = workbook.add_format({"num_format": MOMENT_FORMAT})

    def write_sheet(self, name: str, lines: Iterator[bytes]) -> None:
        """Adds a sheet with the rows. Its headings stay in sight."""
        sheet = self.workbook.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for column, heading in enumerate(self.headings):
            width = WIDE_COLUMNS.get(heading, COLUMN_WIDTH)
            sheet.set_column(column, column, width)
        for column, heading in enumerate(self.headings):
            sheet.write_string(0, column, heading, self.heading_format)
        for row, line in enumerate(lines, 1):
            self.write_row(sheet, row, json.loads(line))

    def write_row(self, sheet: Worksheet, row: int, values: list[Any]) -> None:
        """Writes the cells that are not empty. Texts are never formulas, links or numbers."""
        for column, value in enumerate(values):
            if isinstance(value, str):
                if value:
                    sheet.write_string(row, column, value)
            elif isinstance(value, bool):
                sheet.write_string(row, column, "yes" if value else "no")
            elif isinstance(value, int) and abs(value) < EXACT_NUMBER:
                sheet.write_number(row, column, value)
            elif isinstance(value, dict):
                at = datetime.fromisoformat(value["at"]).replace(tzinfo=None)
                sheet.write_datetime(row, column, at, self.moment_format)
            elif value is not None:
                sheet.write_string(row, column, str(value))
