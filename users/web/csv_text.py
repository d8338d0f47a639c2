"""Lines of CSV, and the guard against CSV injection: cells that a spreadsheet would run as
formulas.
"""

import csv

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
    """Returns `text`, with an apostrophe in front if a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
