"""Recognises files in other formats, to say what they are."""

import json
import re
from users.transfer.formats import UnreadableFile

SIGNATURES = {
    b"PK\x03\x04": (
        "This is a ZIP archive or an Excel workbook. Save the sheet as CSV (UTF-8) first."
    ),
    b"\xd0\xcf\x11\xe0": "This is an old Excel workbook. Save the sheet as CSV (UTF-8) first.",
    b"\x1f\x8b": "This is a gzip archive. Unpack it first.",
    b"%PDF": "This is a PDF.",
}
JSON_ARRAY = re.compile(r'\[\s*([\[{"\]\d-]|$)')
JSON_OBJECT = re.compile(r'\{\s*(["}]|$)')
MARKUP = re.compile(r"<(\?xml|!doctype|html)", re.IGNORECASE)
CSV_ADVICE = (
    "Convert it to CSV first: a line with the names of the columns, then one line for each account."
)


def refuse_signature(content: bytes, name: str) -> None:
    """Raises UnreadableFile if the first bytes show that the file is not text."""
    for signature, reason in SIGNATURES.items():
        if content.startswith(signature):
            raise UnreadableFile(name, 0, reason)


def refuse_other_text(first: str, name: str, line: int) -> None:
    """Raises UnreadableFile if the first line with text shows that the file is not CSV."""
    if found := text_format(first.strip()):
        raise UnreadableFile(name, line, f"This is {found}, not CSV. {CSV_ADVICE}")


def text_format(first: str) -> str:
    """Returns the format of a text with this first line, such as "a JSON array"; "" for CSV."""
    if JSON_ARRAY.match(first):
        return "a JSON array"
    if JSON_OBJECT.match(first):
        return "JSON Lines (one object per line)" if is_json(first) else "a JSON object"
    if MARKUP.match(first):
        return "XML or HTML"
    return ""


def is_json(text: str) -> bool:
    """Returns whether the text is a complete JSON value."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
