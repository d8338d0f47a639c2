"""Writes the rejected rows of a file as CSV: its columns, then the line, the column and the reason.
Rows that are fixed there can be imported again.
"""

import re
from collections.abc import Iterator

from users.formats.rollcall_archive import RollcallArchive
from users.transfer.imports.column_templates import ColumnTemplate
from users.transfer.imports.stored_rows import (
    RejectedRow,
    rejected_rows,
    result_stage,
)
from users.transfer.imports.target_labels import LABELLED_TARGETS
from users.transfer.models import ImportFile
from users.web.csv_text import (
    BYTE_ORDER_MARK,
    LINE_WRITER,
    MARK_COLUMN,
    escape_formula,
    guard_row,
)

REPORT_COLUMNS = ("line", "column", "reason")
LINES_AT_ONCE = 500
# How many of the newest files are searched for the one that a corrected file was made of.
CORRECTED_MAX = 50
# The beginning of a reason that is about certain columns: "Email, column Mail: “x”: …".
COLUMN_IN_REASON = re.compile(
    r"^[\w ()-]+, columns? (.+?): (?:“|There is no value)|^attribute (.+?): ", re.DOTALL
)
# The beginning of a reason that is about a field: "Email: “x”: Another account has this address."
FIELD_IN_REASON = re.compile(r"^([\w ()-]+): ")


def rejected_file(file: ImportFile) -> Iterator[bytes]:
    """Yields a CSV file of the rows that the import has rejected, or else the check."""
    columns = map(escape_formula, file.columns)
    headings = [*columns, *report_headings(file.columns), MARK_COLUMN]
    lines = [BYTE_ORDER_MARK + LINE_WRITER.writerow(headings)]
    for row in rejected_rows(file, result_stage(file)):
        lines.append(LINE_WRITER.writerow(rejected_cells(file, row)))
        if len(lines) == LINES_AT_ONCE:
            yield encode_lines(lines)
            lines = []
    yield encode_lines(lines)


def report_headings(columns: list[str]) -> list[str]:
    """Returns names for the additional columns that the file does not have yet."""
    headings = []
    for name in REPORT_COLUMNS:
        heading = name
        while heading in columns:
            heading += "_"
        headings.append(heading)
    return headings


def find_corrected_import(file: ImportFile) -> ImportFile | None:
    """Returns the person's newest import whose rejected rows this file has, by its columns; None
    if there is none. Another format has other targets than these rows, which are CSV.
    """
    number = len(REPORT_COLUMNS)
    columns = file.columns[:-number]
    if file.columns[-number:] != report_headings(columns):
        return None
    earlier = ImportFile.objects.filter(by=file.by_id, pk__lt=file.pk).exclude(rules={})
    mapped = earlier.exclude(format=RollcallArchive.name).defer("sample", "suggested")
    newest = mapped.order_by("-pk")[:CORRECTED_MAX]
    return next((each for each in newest if each.columns == columns), None)


def rejected_cells(file: ImportFile, row: RejectedRow) -> list[str]:
    """Returns the cells of a row in the file. Those of a row that did not fit are not known."""
    cells = row.cells if row.cells is not None else [""] * len(file.columns)
    column = column_in_reason(file, row.reason)
    return guard_row([*cells, str(row.line), column, row.reason])


def column_in_reason(file: ImportFile, reason: str) -> str:
    """Returns the columns that a reason is about, or ""."""
    if found := COLUMN_IN_REASON.search(reason):
        return next(filter(None, found.groups()))
    found = FIELD_IN_REASON.search(reason)
    field = LABELLED_TARGETS.get(found[1], "") if found else ""
    text = file.rules.get("fields", {}).get(field, "")
    if text in file.columns:
        return text
    return ", ".join(ColumnTemplate.parse(text).columns)


def encode_lines(lines: list[str]) -> bytes:
    """Returns the lines in UTF-8. Half a surrogate pair becomes a question mark."""
    return "".join(lines).encode("utf-8", "replace")
