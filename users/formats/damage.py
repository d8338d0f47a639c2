"""Finds characters that no text can contain: NUL; lone surrogates, which stand for a byte that is
invalid in the encoding of a file, or for half of a surrogate pair; and U+FFFD, which stands for a
character that another program could not read.
"""

import re

# U+FFFF stands for a lone surrogate that the reader of JSON has found.
DAMAGE = re.compile("[\x00\ud800-\udfff\ufffd\uffff]")
# Bytes that are invalid in the encoding, as Python's "surrogateescape" keeps them.
BYTES = re.compile("[\udc80-\udcff]")
HALF_CHARACTER = "\uffff"
REPLACEMENT = "\ufffd"
SHOWN_MAX = 60  # characters
ENCODING_ADVICE = "If the whole file is like this, choose another encoding, for example cp1252."


def describe_damage(values: dict[str, str], encoding: str) -> str:
    """Returns a sentence about the first damaged value: its column, the text and the character.
    An empty text if none is damaged.
    """
    for column, value in values.items():
        found = DAMAGE.search(value)
        if found is None:
            continue
        reason = damage_reason(found[0], encoding)
        # The part of a long text around the character.
        start = max(0, found.start() - SHOWN_MAX // 2)
        shown = show_damaged(value[start : start + SHOWN_MAX])
        return f"{column}: “{shown}”: {reason}"
    return ""


def damage_reason(char: str, encoding: str) -> str:
    """Returns sentences about one damaged character of a text in `encoding`."""
    number = ord(char or "\x00")
    if number == 0:
        return "This contains a NUL character."
    if BYTES.match(char):
        byte = f"0x{number & 0xFF:02X}"
        return f"The byte {byte} can’t be read as {encoding}. {ENCODING_ADVICE}"
    if char == REPLACEMENT:
        return "This contains �, which stands for a character that was lost. Enter what is right."
    if char == HALF_CHARACTER:
        return "This contains an incomplete character."
    return f"This contains an incomplete character (U+{number:04X})."


def show_damaged(text: str) -> str:
    """Returns a text with escapes such as \\xFC in place of damaged and unprintable characters."""
    return "".join(map(visible_character, text))


def visible_character(char: str) -> str:
    """Returns a printable character unchanged, and an escape for any other one: of a byte, or of a
    UTF-16 code unit.
    """
    if char.isprintable():
        return char
    number = ord(char)
    if number <= 0xFF or BYTES.match(char):
        return f"\\x{number & 0xFF:02X}"
    return f"\\u{number:04X}"


def replace_damage(values: dict[str, str]) -> dict[str, str]:
    """Returns values that can be stored and shown, with U+FFFD for damaged characters."""
    return {column: DAMAGE.sub(REPLACEMENT, value) for column, value in values.items()}
