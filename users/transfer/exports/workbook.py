"""Writes stored rows as an Excel workbook, in constant memory: XlsxWriter writes the sheets to
temporary files.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html import escape
from itertools import chain, count, islice, repeat
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

# Excel has 1,048,576 rows; the first one has the headings.
SHEET_ROWS = 1_048_575
# Excel calculates with 15 digits. A larger number is written as text.
EXACT_NUMBER = 10**15
# Excel counts days since then.
FIRST_DAY = datetime(1899, 12, 30, tzinfo=UTC)
DAY_SECONDS = 86_400
MOMENT_FORMAT = "yyyy-mm-dd hh:mm:ss"
WIDE_COLUMNS = {"email": 34, "username": 26}
COLUMN_WIDTH = 20
TEXT_CELL = '<c r="{}" t="inlineStr"><is><t xml:space="preserve">{}</t></is></c>'


def pack_workbook(pieces: Iterable[bytes], headings: list[str], made_at: datetime) -> IO[bytes]:
    """Returns the workbook as an open temporary file. `pieces`: lines that `workbook_line` has
    returned. The same rows give the same bytes. Raises OSError if there is no room for it.
    """
    file = TemporaryFile()  # noqa: SIM115  the caller reads it; it goes with its last reference
    target = ArchiveFile(file)
    # XlsxWriter leaves its own files there if it fails.
    with TemporaryDirectory() as folder:
        try:
            write_workbook(target, folder, pieces, headings, made_at)
        except FileCreateError as error:
            raise (error.__context__ or error) from error
        finally:
            target.file = None
    file.seek(0)
    return file


class ArchiveFile:
    """Passes writes to `file`, and discards them once `file` is None. After a failure XlsxWriter
    leaves its archive open, and garbage collection then writes the archive's end, perhaps to a
    closed file.
    """

    def __init__(self, file: IO[bytes]):
        self.file: IO[bytes] | None = file
        self.position = 0

    def tell(self) -> int:
        return self.position

    def seek(self, position: int) -> None:
        self.position = position
        if self.file:
            self.file.seek(position)

    def write(self, content: bytes) -> int:
        self.position += len(content)
        return self.file.write(content) if self.file else len(content)

    def flush(self) -> None:
        if self.file:
            self.file.flush()


def write_workbook(
    file: ArchiveFile, folder: str, pieces: Iterable[bytes], headings: list[str], made_at: datetime
) -> None:
    """Writes the workbook to a file. `folder`: where XlsxWriter has its temporary files."""
    workbook = Workbook(file, {"constant_memory": True, "tmpdir": folder})
    workbook.use_zip64()
    workbook.set_properties({"created": made_at.replace(microsecond=0, tzinfo=None)})
    heading_format = workbook.add_format({"bold": True})
    moment_format = workbook.add_format({"num_format": MOMENT_FORMAT})
    rows: Iterator[bytes] = chain.from_iterable(map(bytes.splitlines, pieces))
    for number in count(1):
        sheet = workbook.add_worksheet(f"Accounts {number}", AccountSheet)
        sheet.write_headings(headings, heading_format)
        sheet.write_rows(islice(rows, SHEET_ROWS), moment_format)
        following = next(rows, None)
        if following is None:
            break
        rows = chain([following], rows)
    workbook.close()


def workbook_line(values: list[Any]) -> str:
    """Returns the values of a row as one line of JSON, from which a workbook is made later."""
    return json.dumps(values, ensure_ascii=False, default=excel_moment) + "\n"


def excel_moment(at: datetime) -> list[float]:
    """Returns a point in time to the second as the number that Excel has for it, in a list, so that
    it differs from a number.
    """
    seconds = (at - FIRST_DAY).total_seconds() // 1
    return [round(seconds / DAY_SECONDS, 9)]


class AccountSheet(Worksheet):
    """A sheet that writes whole rows. XlsxWriter's own cells take three times as long, and it takes
    a text such as <r>…</r> for markup.
    """

    letters: list[str]

    def write_headings(self, headings: list[str], heading_format: Format) -> None:
        """Writes the first row, and freezes it."""
        self.letters = [xl_col_to_name(column) for column, _ in enumerate(headings)]
        self.freeze_panes(1, 0)
        for column, heading in enumerate(headings):
            width = WIDE_COLUMNS.get(heading, COLUMN_WIDTH)
            self.set_column(column, column, width)
            self.write_string(0, column, heading, heading_format)
        # XlsxWriter keeps a row until the next one begins; the rows below bypass that.
        self._write_single_row(1)

    def write_rows(self, lines: Iterator[bytes], moment_format: Format) -> None:
        """Writes all other rows. `lines`: as `workbook_line` returns them."""
        style = moment_format._get_xf_index()
        row = 1
        for row, line in enumerate(lines, 2):
            references = [f"{letter}{row}" for letter in self.letters]
            cells = map(cell_xml, references, json.loads(line), repeat(style))
            self.fh.write(f'<row r="{row}">{"".join(cells)}</row>')
        self._check_dimensions(row - 1, len(self.letters) - 1)


def cell_xml(reference: str, value: Any, style: int) -> str:
    """Returns a cell, such as the one at B7; "" for one that stays empty. `style`: the number of
    the format of points in time. Texts are never formulas, links or numbers.
    """
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return TEXT_CELL.format(reference, escape_cell(value))
    if isinstance(value, list):
        return f'<c r="{reference}" s="{style}"><v>{value[0]}</v></c>'
    if isinstance(value, bool):
        return TEXT_CELL.format(reference, "yes" if value else "no")
    if abs(value) < EXACT_NUMBER:
        return f'<c r="{reference}"><v>{value}</v></c>'
    return TEXT_CELL.format(reference, value)


def escape_cell(text: str) -> str:
    """Returns a text as XML, with characters that XML cannot contain as Excel writes them."""
    if not text.isprintable() or "_x" in text:
        text = Worksheet._escape_control_characters(text)
    return escape(text, quote=False)
