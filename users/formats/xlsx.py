"""Reads Excel workbooks (.xlsx): the first visible sheet, and those after it that have the same
column names, as an export of more than a million accounts has them.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import BinaryIO

from defusedxml import DefusedXmlException

from users.database.failures import failure_kind
from users.formats import ImportRecord, ImportSource, UnreadableFile
from users.formats.archives.zip_checks import ZIP_SIGNATURE, open_archive
from users.formats.excel.workbook import Sheet, Workbook
from users.formats.file_format import FileFormat
from users.formats.file_start import FileStart
from users.formats.options import ReadOptions
from users.formats.table import TableRow, open_table

DAMAGED_WORKBOOK = "This workbook is damaged. Open it in a spreadsheet and save it again."
ENTITIES = "This workbook defines XML entities, which spreadsheets never do."


class XlsxFile(FileFormat):
    """Excel workbooks. Other archives are unpacked before formats see them."""

    name = "xlsx"
    label = "Excel (.xlsx)"
    extensions = (".xlsx", ".xlsm")

    def matches(self, start: FileStart) -> bool:
        return start.content.startswith(ZIP_SIGNATURE)

    def read(self, file: BinaryIO, name: str, options: ReadOptions) -> ImportSource:
        archive = open_archive(file, name)
        try:
            workbook = Workbook(archive)
        except Exception as error:
            if failure_kind(error):
                raise
            raise damaged_workbook(name, error) from error
        sheets = choose_sheets(workbook, name, options.sheet)
        # Empty cells at the end of a row are not stored.
        options = replace(options, short_rows=True)
        rows = guarded_rows(workbook, sheets[0], name, options.skip_lines)
        first = open_table(rows, name, options)
        records = all_records(first, workbook, sheets[1:], options)
        return ImportSource(name, first.line, first.columns, records)


def choose_sheets(workbook: Workbook, name: str, wanted: str) -> list[Sheet]:
    """Returns the sheet of this name, or all visible ones. Raises UnreadableFile."""
    visible = [sheet for sheet in workbook.sheets if not sheet.is_hidden]
    if not wanted:
        if visible:
            return visible
        raise UnreadableFile(name, 0, "This workbook has no visible sheet.")
    found = [sheet for sheet in workbook.sheets if sheet.name == wanted]
    if not found:
        names = ", ".join(sheet.name for sheet in visible[:40])
        raise UnreadableFile(name, 0, f"There is no sheet “{wanted}”. The sheets are: {names}.")
    return found


def guarded_rows(workbook: Workbook, sheet: Sheet, name: str, skip: int = 0) -> Iterator[TableRow]:
    """Yields the rows of a sheet after the first `skip` ones. Raises UnreadableFile. A failure of
    the database that has the file, or of the disk, does not make it a damaged one.
    """
    line = 0
    try:
        for row in workbook.rows(sheet):
            line = row.line
            if line > skip:
                yield row
    except UnreadableFile:
        raise
    except Exception as error:
        if failure_kind(error):
            raise
        raise damaged_workbook(name, error, line) from error


def damaged_workbook(name: str, error: Exception, line: int = 0) -> UnreadableFile:
    """Returns the exception about a workbook that cannot be read after a row. Parsers raise many
    kinds of exceptions for damaged ones.
    """
    reason = ENTITIES if isinstance(error, DefusedXmlException) else DAMAGED_WORKBOOK
    return UnreadableFile(name, line + 1 if line else 0, reason)


def all_records(
    first: ImportSource, workbook: Workbook, sheets: list[Sheet], options: ReadOptions
) -> Iterator[ImportRecord]:
    """Yields the records of the first sheet, and of those with the same columns. Their rows are
    numbered consecutively.
    """
    last = first.line
    for record in first.records:
        last = max(last, record.line)
        yield record
    for sheet in sheets if first.line else []:
        rows = guarded_rows(workbook, sheet, first.name, options.skip_lines)
        table = same_table(rows, first, options)
        offset = last
        for record in table.records if table else ():
            last = offset + record.line
            yield replace(record, line=last)


def same_table(
    rows: Iterator[TableRow], first: ImportSource, options: ReadOptions
) -> ImportSource | None:
    """Returns the table of another sheet, or None if it begins with other names."""
    header = next(rows, None)
    names = list(filter(None, map(str.strip, header.cells))) if header else []
    if header is None or names != first.columns:
        return None
    return open_table(chain([header], rows), first.name, options)
