"""Lines of CSV for spreadsheets, and the guard against CSV injection: cells that a spreadsheet
would run as formulas.

A guarded cell has an apostrophe in front. A file with guarded cells says so: its last column is
MARK_COLUMN, and each row that was written with guards has MARK in it. Readers take the apostrophes
off in these rows only, so the cells of other files, and of rows that people have added to such a
file, stay as they are.
"""

import csv
from collections.abc import Iterable

# The first character of a file. Without it, Excel takes UTF-8 for an 8-bit encoding.
BYTE_ORDER_MARK = "\ufeff"
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection), with full-width
# forms.
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
# The first characters of cells that may need a guard; all other cells are written as they are.
GUARDED_STARTS = frozenset(("'", *FORMULA_STARTS))
MARK_COLUMN = "formula_mark"
# Each row has it, since Excel drops empty cells at the end of some rows. Excel and other
# spreadsheets show it as text and save it again.
MARK = "'"


class EchoFile:
    """A file whose `write` returns the text, so that a csv.writer returns the line it writes."""

    def write(self, text: str) -> str:
        return text


# `writerow` returns one line (RFC 4180).
LINE_WRITER = csv.writer(EchoFile())


def escape_formula(text: str) -> str:
    """Returns `text`, with an apostrophe in front if a spreadsheet would take it for a formula.

    A text with apostrophes before such a beginning gets another one, so that `unescape_formula`
    returns every text unchanged.
    """
    if text[:1] not in GUARDED_STARTS:
        return text
    is_guarded = text.lstrip("'").startswith(FORMULA_STARTS)
    return f"'{text}" if is_guarded else text


def unescape_formula(text: str) -> str:
    """Returns the text of a cell without the apostrophe of `escape_formula`."""
    if text.startswith("'") and text.lstrip("'").startswith(FORMULA_STARTS):
        return text[1:]
    return text


def guard_row(cells: Iterable[str]) -> list[str]:
    """Returns the cells of a row that a spreadsheet may open, and MARK for the last column."""
    return [*map(escape_formula, cells), MARK]


def unguard_values(values: dict[str, str]) -> dict[str, str]:
    """Returns the values of a row by column as they were before `guard_row`, without the mark.

    The values of a row without the mark stay as they are.
    """
    mark = values.pop(MARK_COLUMN, "")
    if mark.strip() != MARK:
        return values
    return {name: unescape_formula(value) for name, value in values.items()}
