"""Lines of CSV for spreadsheets, and the guard against CSV injection: cells that a spreadsheet
would run as formulas.
"""

import csv

# The first character of a file. Without it, Excel takes UTF-8 for an 8-bit encoding.
BYTE_ORDER_MARK = "\ufeff"
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection), with full-width
# forms.
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


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
    is_guarded = text.lstrip("'").startswith(FORMULA_STARTS)
    return f"'{text}" if is_guarded else text


def unescape_formula(text: str) -> str:
    """Returns the text of a cell without the apostrophe of `escape_formula`."""
    if text.startswith("'") and text.lstrip("'").startswith(FORMULA_STARTS):
        return text[1:]
    return text
