"""Recognises files in other formats, to say what they are."""

import codecs
import json
import re
import struct
from typing import BinaryIO

from users.formats import UnreadableFile
from users.formats.archives.pipe_input import seekable_input

UNPACK_ADVICE = "Unpack it first, or use ZIP or gzip."
WORKBOOK_ADVICE = "Save it as .xlsx or as CSV (UTF-8)."
SIGNATURES = {
    b"%PDF": "This is a PDF. Export the table as .xlsx or as CSV.",
    b"BZh": f"This is a bzip2 archive. {UNPACK_ADVICE}",
    b"\xfd7zXZ\x00": f"This is an xz archive. {UNPACK_ADVICE}",
    b"7z\xbc\xaf\x27\x1c": f"This is a 7-Zip archive. {UNPACK_ADVICE}",
    b"Rar!\x1a\x07": f"This is a RAR archive. {UNPACK_ADVICE}",
    b"\x28\xb5\x2f\xfd": f"This is a Zstandard archive. {UNPACK_ADVICE}",
    b"SQLite format 3\x00": "This is an SQLite database. Export the table as CSV.",
    b"PAR1": "This is a Parquet file. Export the table as CSV.",
    b"{\\rtf": "This is a document (RTF). Save the table as CSV.",
}
# Old workbooks that are not in an OLE file ([MS-XLS] and before, BOF records).
OLD_WORKBOOKS = (b"\x09\x08\x10\x00", b"\x09\x08\x08\x00", b"\x09\x04\x06\x00", b"\x09\x00\x04\x00")
OLD_WORKBOOK = f"This is an old Excel workbook (.xls). {WORKBOOK_ADVICE}"
# Before a signature, other programs may have put a byte order mark or blank lines.
BLANK_START = codecs.BOM_UTF8 + b" \t\r\n"
# The offset and the text of the signature of a tar archive.
TAR_SIGNATURE = (257, b"ustar")
# The signature of OLE files (MS-CFB): old workbooks, and protected new ones.
OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# The name of a stream that only protected workbooks have (MS-OFFCRYPTO, 2.3.4.4).
PROTECTED_STREAM = "EncryptedPackage".encode("utf-16-le")
OLE_HEADER_BYTES = 512
JSON_ARRAY = re.compile(r'\[\s*([\[{"\]\d-]|$)')
JSON_OBJECT = re.compile(r'\{\s*(["}]|$)')
HTML = re.compile(r"<(!doctype|html|head|body|meta|table|style)\b", re.IGNORECASE)
MARKUP = re.compile(r"<\?xml\b|<!--")
TABLE_ADVICE = "Open it in a spreadsheet and save it as .xlsx."
JSON_ADVICE = (
    "JSON can be imported if it has an object for each account, and if its format is detected."
)


def refuse_signature(file: BinaryIO, content: bytes, name: str) -> None:
    """Raises UnreadableFile if `content`, the first bytes, shows a file that cannot be read."""
    for signature, reason in SIGNATURES.items():
        if content.lstrip(BLANK_START).startswith(signature):
            raise UnreadableFile(name, 0, reason)
    offset, signature = TAR_SIGNATURE
    if content.startswith(signature, offset):
        raise UnreadableFile(name, 0, f"This is a tar archive. {UNPACK_ADVICE}")
    if content.startswith(OLD_WORKBOOKS):
        raise UnreadableFile(name, 0, OLD_WORKBOOK)
    if content.startswith(OLE_SIGNATURE):
        if PROTECTED_STREAM in ole_directory(file, content):
            reason = "This workbook is protected by a password. Save it as .xlsx without one."
        else:
            reason = OLD_WORKBOOK
        raise UnreadableFile(name, 0, reason)


def ole_directory(file: BinaryIO, content: bytes) -> bytes:
    """Returns the first sector of the directory in an OLE file, which has the names of its streams
    (MS-CFB, 2.2).
    """
    if len(content) < OLE_HEADER_BYTES:
        return b""
    sector_bytes = 1 << min(struct.unpack_from("<H", content, 30)[0], 12)
    sector = struct.unpack_from("<I", content, 48)[0]
    file = seekable_input(file)
    file.seek((sector + 1) * sector_bytes)
    return file.read(sector_bytes)


def refuse_other_text(first: str, name: str, line: int) -> None:
    """Raises UnreadableFile if the first line with text shows that the file is not CSV."""
    if found := text_format(first.strip()):
        advice = JSON_ADVICE if "JSON" in found else TABLE_ADVICE
        raise UnreadableFile(name, line, f"This is {found}, not CSV. {advice}")


def text_format(first: str) -> str:
    """Returns the format of a text with this first line, such as "a JSON array"; "" for CSV."""
    if JSON_ARRAY.match(first):
        return "a JSON array"
    if JSON_OBJECT.match(first):
        return "JSON Lines (one object per line)" if is_json(first) else "a JSON object"
    if HTML.match(first):
        return "HTML (a web page)"
    if MARKUP.match(first):
        return "XML"
    return ""


def is_json(text: str) -> bool:
    """Returns whether the text is a complete JSON value."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
