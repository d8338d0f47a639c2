"""Draws a QR code as the path of an inline SVG, which the content security policy allows."""

from itertools import groupby

from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M

BORDER = 4  # modules


def qr_path(text: str) -> tuple[str, int]:
    """Returns the path of the dark modules, and the width of the code in modules."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=BORDER)
    code.add_data(text)
    code.make()
    rows = code.get_matrix()
    return "".join(row_path(y, row) for y, row in enumerate(rows)), len(rows)


def row_path(y: int, row: list[bool]) -> str:
    """Returns a rectangle for each run of dark modules."""
    path = ""
    x = 0
    for dark, run in groupby(row):
        width = len(list(run))
        if dark:
            path += f"M{x} {y}h{width}v1h-{width}z"
        x += width
    return path
