"""Determines the text encoding of a file from its first bytes."""

import codecs
import re
from io import BytesIO, TextIOWrapper

from users.formats import UnreadableFile

DEFAULT_ENCODING = "utf-8"
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
UTF_32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
# A byte order mark in UTF-7 (RFC 2152).
UTF_7_MARK = re.compile(rb"\+/v[89+/]")
# The character @ in UTF-7, as most encoders write it.
UTF_7_AT = b"+AEA-"
# Bytes that show whether a file without a byte order mark is UTF-16 or UTF-32.
PROBE_BYTES = 2000
# In UTF-16, delimiters and line ends have a NUL in every script.
NUL_SHARE = 0.05
OTHER_ENCODING = "This is {name}, which is not supported. Save it as .xlsx or as CSV (UTF-8)."
# Letters such as ü, as UTF-7 writes them within words.
UTF_7_LETTER = re.compile(rb"[A-Za-z]\+A[DMNOP][A-Za-z0-9+/]-")
UTF_7_LETTERS_MIN = 2


def detect_encoding(start: bytes, name: str) -> str:
    """Returns the encoding of a file that begins with `start`: UTF-8 unless a byte order mark or
    the positions of NUL bytes show UTF-16. Raises UnreadableFile for UTF-7 and UTF-32.
    """
    if start.startswith(UTF_32_MARKS) or is_utf_32(start[:PROBE_BYTES]):
        raise UnreadableFile(name, 0, OTHER_ENCODING.format(name="UTF-32"))
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return encoding
    is_utf_7 = UTF_7_MARK.match(start) or start.count(UTF_7_AT) > start.count(b"@")
    if is_utf_7 or len(UTF_7_LETTER.findall(start)) >= UTF_7_LETTERS_MIN:
        raise UnreadableFile(name, 0, OTHER_ENCODING.format(name="UTF-7"))
    return utf_16_order(start[:PROBE_BYTES]) or DEFAULT_ENCODING


def is_utf_32(start: bytes) -> bool:
    """Returns whether two of four bytes are NUL nearly everywhere, as in UTF-32."""
    nuls = [start[offset::4].count(0) for offset in range(4)]
    characters = len(start) // 4
    return characters > 1 and sorted(nuls)[2] >= characters


def utf_16_order(start: bytes) -> str:
    """Returns "utf-16-le" or "utf-16-be" if NUL bytes stand only where that has them, else ""."""
    even = start[::2].count(0)
    odd = start[1::2].count(0)
    few = max(1, len(start) // 2 * NUL_SHARE)
    if odd > few and not even:
        return "utf-16-le"
    if even > few and not odd:
        return "utf-16-be"
    return ""


def require_encoding(encoding: str, name: str) -> None:
    """Raises UnreadableFile if there is no text encoding of this name."""
    try:
        TextIOWrapper(BytesIO(), encoding or DEFAULT_ENCODING)
    except (LookupError, ValueError) as error:
        raise UnreadableFile(name, 0, f"There is no text encoding “{encoding}”.") from error
