"""The guard against CSV injection: a cell that a spreadsheet would run as a formula."""

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection); full-width forms
# too.
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


def escape_formula(text: str) -> str:
    """`text`, with an apostrophe in front where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
