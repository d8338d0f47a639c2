"""The normal forms of typed values, for forms, imports, demo data and searches."""

import re
import unicodedata
from functools import lru_cache
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError

from users.typed_text import BLANK_CHARACTERS, refuse_hidden, refuse_invisible

USERNAME_MAX = 150
EMAIL_MAX = 254
NAME_MAX = 150
LOCALE_MAX = 35
SOURCE_MAX = 50
SOURCE_ID_MAX = 255
LARGEST_ID = 2**63 - 1
LOCALE_PATTERN = r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*"

FLAG_TEXTS = {
    "": False,
    "no": False,
    "false": False,
    "0": False,
    "yes": True,
    "true": True,
    "1": True,
}
# Letters that Unicode does not decompose, although people type them without stroke or ligature.
PLAIN_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
        "ħ": "h",
        "ŧ": "t",
    }
)
# Characters of common scripts, each with a search form that is not empty.
VISIBLE_CHARACTER = re.compile(
    "[0-9A-Za-z\u00c0-\u024f"  # Latin
    "\u0386-\u03ff\u0400-\u0481\u048a-\u052f"  # Greek, Cyrillic
    "\u05d0-\u05ea\u0620-\u064a"  # Hebrew, Arabic
    "\u0904-\u0939\u0e01-\u0e30"  # Devanagari, Thai
    "\u3041-\u3096\u30a1-\u30fa\u3400-\u9fff\uac00-\ud7a3]"  # Japanese, Chinese, Korean
)
# Combining marks that composition has left behind an ASCII letter.
LOOSE_MARKS = re.compile("(?<=[a-z0-9])[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+")
# Punctuation that a word processor or a phone writes where a keyboard has ' and -.
PLAIN_PUNCTUATION = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201b\u02bc\u02b9\u2032\u00b4\u0060\uff07", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d", "-"),
    }
)


def fold_identifier(value: str) -> str:
    """Returns the form in which identifiers are stored and compared.

    Applies NFKC and casefold until nothing changes (UAX #31, R5).
    """
    for _ in range(4):
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
        if folded == value:
            break
        value = folded
    return value


def password_forms(password: str | None) -> list[str | None]:
    """Returns the form in which a password is hashed (NFKC, as NIST SP 800-63B says), since
    keyboards write one letter differently; and what was typed, if it differs: earlier hashes are
    of that.
    """
    if password is None:
        return [None]
    return list(dict.fromkeys([unicodedata.normalize("NFKC", password), password]))


# Many people have the same name, language and time zone.
@lru_cache(maxsize=4096)
def normalise_name(value: str) -> str:
    """Returns a person's name, in NFC and trimmed.

    Raises ValidationError for characters that nobody can see.
    """
    name = refuse_hidden(unicodedata.normalize("NFC", value.strip()))
    # A form has checked the length of the typed text, but NFC makes some scripts longer.
    if len(name) > NAME_MAX:
        raise ValidationError(f"A name can have at most {NAME_MAX} characters.", code="max_length")
    return name


@lru_cache(maxsize=256)
def normalise_locale(value: str) -> str:
    """Returns a language tag, or "". Raises ValidationError for anything else."""
    locale = value.strip()
    if locale and (len(locale) > LOCALE_MAX or not re.fullmatch(LOCALE_PATTERN, locale)):
        raise ValidationError("Enter a language tag such as en or pt-BR.", code="invalid")
    return locale


@lru_cache(maxsize=1024)
def normalise_time_zone(value: str) -> str:
    """Returns the name of an IANA time zone, or "". Raises ValidationError for anything else."""
    zone = value.strip()
    if zone and zone not in time_zones():
        raise ValidationError("Enter a time zone such as Europe/Lisbon or UTC.", code="invalid")
    return zone


def normalise_flag(value: str | bool) -> bool:
    """Returns the stored form of a field that is yes or no. An empty text is no. Raises
    ValidationError for anything else.
    """
    try:
        return FLAG_TEXTS[str(value).strip().casefold()]
    except KeyError as error:
        raise ValidationError("Enter yes or no.", code="invalid") from error


def flag_text(value: bool) -> str:
    """Returns a stored value of a field that is yes or no as people read it."""
    return "yes" if value else "no"


def normalise_source(value: str) -> str:
    """Returns the stored form of the name of another system.

    Raises ValidationError if it is too long or contains an invisible character.
    """
    return require_length(refuse_invisible(value.strip()), SOURCE_MAX)


def normalise_source_id(value: str) -> str:
    """Returns the stored form of an ID in another system, whose IDs may differ in case alone.

    Raises ValidationError if it is too long or contains an invisible character.
    """
    return require_length(refuse_invisible(value.strip()), SOURCE_ID_MAX)


def require_length(value: str, longest: int) -> str:
    """Returns `value` unchanged. Raises ValidationError for more than `longest` characters."""
    if len(value) > longest:
        raise ValidationError(
            f"This is too long: {len(value)} characters, {longest} at most.",
            code="max_length",
        )
    return value


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """Returns the names of all IANA time zones. Cached, because listing them reads many files."""
    return frozenset(available_timezones())


def normalise_search_text(value: str) -> str:
    """Returns the form in which columns and search terms are compared.

    It is folded and has single spaces, but no accents and no invisible characters.
    """
    # Most texts are plain, for which this takes a fifth of the time.
    if is_plain_text(value):
        return " ".join(fold_plain_text(value).split())
    value = value.translate(PLAIN_PUNCTUATION)
    decomposed = unicodedata.normalize("NFKD", fold_identifier(value))
    stripped = "".join(
        char for char in decomposed if char.isspace() or not is_ignorable_character(char)
    )
    return " ".join(unicodedata.normalize("NFKC", stripped).translate(PLAIN_LETTERS).split())


def is_plain_text(value: str) -> bool:
    """Returns whether `value` has only visible ASCII characters and spaces."""
    return value.isascii() and value.isprintable()


def fold_plain_text(value: str) -> str:
    """Returns the search form of plain text, with a character for each of its own."""
    return value.replace("`", "'").lower()


def has_visible_text(value: str) -> bool:
    """Returns whether `value` has a visible character, so that its search form is not empty."""
    # This is checked for the name in every row of a list, so the search form is made only where it
    # must be.
    return bool(VISIBLE_CHARACTER.search(value) or normalise_search_text(value))


def is_ignorable_character(char: str) -> bool:
    """Returns whether a search ignores `char`.

    It ignores accents, and characters that pasted text often contains: zero-width, bidirectional
    and control characters, and noncharacters.
    """
    return (
        unicodedata.category(char) in {"Mn", "Cf", "Cc", "Cs"}
        or char in BLANK_CHARACTERS
        or ord(char) & 0xFFFE == 0xFFFE
    )


def ascii_skeleton(username: str) -> str:
    """Returns `username` with non-ASCII characters replaced by ASCII lookalikes (Unicode TR 39).

    An accent that makes no letter of its own ("m" with a ring) is left out; "ë" is a letter.
    ASCII characters stay: "l" and "1" look alike too, but refusing "ann1" beside "annl" would
    refuse honest names.
    """
    if username.isascii():
        return username
    return "".join(map(ascii_lookalike, LOOSE_MARKS.sub("", username)))


@lru_cache(maxsize=4096)
def ascii_lookalike(char: str) -> str:
    """Returns the ASCII character that `char` looks like; `char` itself if there is none."""
    if char.isascii():
        return char
    # Imported late: the data takes 2 MB, and most processes never need it.
    from confusable_homoglyphs.confusables import confusables_data

    for other in confusables_data.get(char, ()):
        if len(other["c"]) == 1 and other["c"].isascii():
            return other["c"].casefold()
    return char
