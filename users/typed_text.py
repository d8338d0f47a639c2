"""Characters that nobody can see, in whatever people type: which are refused, and which a script or
an emoji needs; and how a text is kept from turning the sentence around it.
"""

import re
import unicodedata
from collections.abc import Callable

from django.core.exceptions import ValidationError

# Cc control, Cf format (zero-width, bidirectional), Cs surrogate, Co private, Cn unassigned, Zl/Zp
# line separators.
INVISIBLE_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Letters and marks that show nothing: Unicode's default-ignorable characters outside of those
# categories, with the variation selectors as the last two ranges.
BLANK_CODE_POINTS = (
    0x34F,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    0x180B,
    0x180C,
    0x180D,
    0x180F,
    0x2800,
    0x3164,
    0xFFA0,
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
)
BLANK_CHARACTERS = frozenset(map(chr, BLANK_CODE_POINTS))
# NUL, which PostgreSQL can't store, and halves of surrogate pairs, which UTF-8 can't encode.
UNSTORABLE_CHARACTER = re.compile("[\x00\ud800-\udfff]")
LINE_BREAKS = "\r\n\t"
# Format characters that have a glyph: signs before a number or a verse.
VISIBLE_FORMAT = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2\U000110bd")
HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
RIGHT_TO_LEFT = {"R", "AL"}
# Classes of the bidirectional algorithm that reorder what stands beside them (UAX #9).
REORDERING = {"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"}
DIRECTION_CONTROLS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
FIRST_STRONG_ISOLATE = "\u2068"
POP_ISOLATE = "\u2069"
BLACK_FLAG = "\U0001f3f4"  # tag letters behind it make the flags of England and others
KEYCAP = "\u20e3"
SHOWN_BEFORE = 12  # characters of the text before a hidden one, so that people find it


def is_storable_text(value: str) -> bool:
    """Returns whether the database can store a text."""
    return UNSTORABLE_CHARACTER.search(value) is None


def refuse_invisible(value: str, allow: str = "") -> str:
    """Returns `value` unchanged. Raises ValidationError if it contains an invisible character.

    `allow`: invisible characters that are accepted.
    """
    for char in value:
        invisible = unicodedata.category(char) in INVISIBLE_CATEGORIES or char in BLANK_CHARACTERS
        if invisible and char not in allow:
            raise ValidationError(
                f"This contains an invisible character (U+{ord(char):04X}). Remove it.",
                code="invisible",
            )
    return value


def refuse_hidden(value: str, allow: str = "") -> str:
    """Returns a text unchanged. Raises ValidationError where it holds a character that nobody can
    see and that neither its script nor an emoji needs. `allow`: LINE_BREAKS for longer texts.
    """
    if value.isascii() and value.isprintable():
        return value
    for place, char in enumerate(value):
        if is_hidden(char) and char not in allow and not is_needed(value, place):
            raise ValidationError(hidden_fault(value, place), code="invisible")
    return value


def remove_hidden(value: str) -> str:
    """Returns a text without the characters that `refuse_hidden` refuses."""
    if value.isascii() and value.isprintable():
        return value
    kept = []
    for place, char in enumerate(value):
        if not is_hidden(char) or is_needed(value, place):
            kept.append(char)
    return "".join(kept)


def hidden_fault(value: str, place: int) -> str:
    """Returns the sentence about the hidden character at `place`, with the text before it."""
    code = f"U+{ord(value[place]):04X}"
    kind = "a control" if unicodedata.category(value[place]) == "Cc" else "an invisible"
    before = "".join(char for char in value[:place] if not is_hidden(char))[-SHOWN_BEFORE:].strip()
    where = f" after “{before}”" if before else ""
    return f"This contains {kind} character ({code}){where}. Remove it."


def is_hidden(char: str) -> bool:
    """Returns True for a character without a glyph, and for one that no text may hold."""
    hidden = unicodedata.category(char) in HIDDEN_CATEGORIES and char not in VISIBLE_FORMAT
    return hidden or char in BLANK_CHARACTERS or ord(char) & 0xFFFE == 0xFFFE


def is_needed(value: str, place: int) -> bool:
    """Returns True for a hidden character where writing needs it."""
    code = ord(value[place])
    for codes, fits in NEEDED_CHARACTERS:
        if code in codes:
            return fits(value, place)
    return False


def joins_letters(value: str, place: int) -> bool:
    """Returns True for a joiner or non-joiner after an emoji or a letter of a script that joins."""
    before = value[place - 1 : place]
    if not before:
        return False
    is_emoji = unicodedata.category(before) in {"So", "Sk"} or before == "\ufe0f"
    joining = 0x590 <= ord(before) < 0x1E00 or ord(before) >= 0xA000
    return is_emoji or (joining and unicodedata.category(before)[0] in "LM")


def selects_variant(value: str, place: int) -> bool:
    """Returns True for a variation selector after a symbol or an ideograph, or in a keycap."""
    before = value[place - 1 : place]
    if not before:
        return False
    if before.isascii():
        return value[place + 1 : place + 2] == KEYCAP
    return unicodedata.category(before) in {"So", "Sm", "Po", "Pd", "Lo", "No", "Sk"}


def spells_flag(value: str, place: int) -> bool:
    """Returns True for a tag letter after a black flag, with nothing but tags between them."""
    start = value[:place].rstrip("".join(map(chr, range(0xE0020, 0xE0080))))
    return start.endswith(BLACK_FLAG)


def follows_script(first: int, last: int) -> Callable[[str, int], bool]:
    """Returns a test for a character behind one of the code points from `first` to `last`."""
    return lambda value, place: place > 0 and first <= ord(value[place - 1]) <= last


def marks_direction(value: str, place: int) -> bool:
    """Returns True for a mark of direction in a text that is written from right to left."""
    letters = (char for char in value if not is_hidden(char))
    return any(unicodedata.bidirectional(char) in RIGHT_TO_LEFT for char in letters)


def draws_braille(value: str, place: int) -> bool:
    """Returns True for the blank Braille cell in a text with other cells."""
    return any("\u2801" <= char <= "\u28ff" for char in value)


NEEDED_CHARACTERS: tuple[tuple[range | set[int], Callable[[str, int], bool]], ...] = (
    ({0x200C, 0x200D}, joins_letters),
    (range(0xFE00, 0xFE10), selects_variant),
    (range(0xE0100, 0xE01F0), selects_variant),
    (range(0xE0020, 0xE0080), spells_flag),
    ({0x200E, 0x200F, 0x061C}, marks_direction),
    (range(0x180B, 0x1810), follows_script(0x1800, 0x18AF)),
    ({0x17B4, 0x17B5}, follows_script(0x1780, 0x17FF)),
    ({0x115F, 0x1160}, follows_script(0x1100, 0x11FF)),
    ({0x2800}, draws_braille),
)


def isolate_text(text: str) -> str:
    """Returns a text for the middle of a sentence, a title, a label or an email: between isolates
    (U+2068, U+2069) if it could turn the words beside it around.
    """
    if text.isascii() or REORDERING.isdisjoint(map(unicodedata.bidirectional, text)):
        return text
    return f"{FIRST_STRONG_ISOLATE}{text.translate(DIRECTION_CONTROLS)}{POP_ISOLATE}"
