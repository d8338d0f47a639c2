"""The normal forms of typed values, for forms, imports, demo data and searches."""

import re
import unicodedata
from functools import lru_cache
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

USERNAME_MAX = 150
EMAIL_MAX = 254
NAME_MAX = 150
LOCALE_MAX = 35
SOURCE_MAX = 50
SOURCE_ID_MAX = 255
LARGEST_ID = 2**63 - 1
LOCALE_PATTERN = r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*"

# Cc control, Cf format (zero-width, bidirectional), Cs surrogate, Co private, Cn unassigned, Zl/Zp
# line separators.
INVISIBLE_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Invisible letters and marks: Unicode's default-ignorable characters outside of those categories.
# The last two ranges are the variation selectors.
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
USERNAME_MARKS = "@.+-_"
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
# Punctuation that a word processor or a phone writes where a keyboard has ' and -.
PLAIN_PUNCTUATION = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201b\u02bc\u02b9\u2032\u00b4\u0060\uff07", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d", "-"),
    }
)


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


def normalise_username(value: str) -> str:
    """Returns the stored form of a username. Raises ValidationError with a message for the user."""
    username = refuse_invisible(fold_identifier(value.strip()))
    if not username:
        raise ValidationError("Enter a username.", code="required")
    if len(username) > USERNAME_MAX:
        raise ValidationError(
            f"A username can have at most {USERNAME_MAX} characters.", code="max_length"
        )
    for char in username:
        if unicodedata.category(char)[0] not in "LMN" and char not in USERNAME_MARKS:
            marks = " ".join(USERNAME_MARKS)
            raise ValidationError(
                f"“{char}” can’t be part of a username. Use letters, digits and {marks}.",
                code="invalid",
            )
    return username


def normalise_email(value: str) -> str:
    """Returns the stored form of an email address, or "" if there is none.

    Raises ValidationError with a message for the user.
    """
    email = refuse_invisible(fold_identifier(value.strip()))
    if not email:
        return ""
    if len(email) > EMAIL_MAX or len(email.split("@")[0]) > 64:
        raise ValidationError(
            "This email address is too long. "
            "Use at most 64 characters before the @ and 254 in total.",
            code="max_length",
        )
    validate_email(email)
    if any(char in email for char in ' ,;:<>()[]"\\'):
        raise ValidationError(
            "Enter one plain email address, without quotes or lists.",
            code="invalid",
        )
    refuse_foreign_letters(email)
    return email


def refuse_foreign_letters(email: str) -> None:
    """Raises ValidationError for non-ASCII letters before the @, or a lookalike domain."""
    local, _, domain = email.rpartition("@")
    # Django's validator accepts a dotless i as an i.
    if not local.isascii():
        raise ValidationError(
            "Use only letters from a to z, digits and symbols before the @.",
            code="invalid",
        )
    refuse_lookalike_domain(domain)


def refuse_lookalike_domain(domain: str) -> None:
    """Raises ValidationError for a domain that looks like an ASCII one.

    Its email would go to a stranger.
    """
    for label in domain.split("."):
        if any(unicodedata.category(char)[0] not in "LMN" and char != "-" for char in label):
            raise ValidationError("Enter a valid email address.", code="invalid")
        if not label.isascii() and ascii_skeleton(label).isascii():
            raise ValidationError(
                f"The domain looks like “{ascii_skeleton(domain)}” but contains other letters. "
                "If it is correct, enter its xn-- form.",
                code="invalid",
            )


def normalise_name(value: str) -> str:
    """Returns a person's name, in NFC and trimmed.

    Raises ValidationError for control characters and lone surrogates.
    """
    name = unicodedata.normalize("NFC", value.strip())
    for char in name:
        if unicodedata.category(char) in {"Cc", "Cs"}:
            raise ValidationError(
                f"This contains a control character (U+{ord(char):04X}). Remove it.",
                code="invisible",
            )
    # A form has checked the length of the typed text, but NFC makes some scripts longer.
    if len(name) > NAME_MAX:
        raise ValidationError(f"A name can have at most {NAME_MAX} characters.", code="max_length")
    return name


def normalise_phone(value: str) -> str:
    """Returns the digits of a phone number, with a leading plus if it was typed, or "".

    Raises ValidationError for anything else.
    """
    phone = re.sub(r"[\s().\-/–]", "", unicodedata.normalize("NFKC", value).strip())
    if phone and not re.fullmatch(r"\+?[0-9]{3,20}", phone):
        raise ValidationError(
            "Enter a phone number: digits only, with a + before the country code.",
            code="invalid",
        )
    return phone


def normalise_locale(value: str) -> str:
    """Returns a language tag, or "". Raises ValidationError for anything else."""
    locale = value.strip()
    if locale and (len(locale) > LOCALE_MAX or not re.fullmatch(LOCALE_PATTERN, locale)):
        raise ValidationError("Enter a language tag such as en or pt-BR.", code="invalid")
    return locale


def normalise_time_zone(value: str) -> str:
    """Returns the name of an IANA time zone, or "". Raises ValidationError for anything else."""
    zone = value.strip()
    if zone and zone not in time_zones():
        raise ValidationError("Enter a time zone such as Europe/Lisbon or UTC.", code="invalid")
    return zone


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
    # Most texts are plain ASCII, for which this takes a fifth of the time.
    if value.isascii() and value.isprintable():
        return " ".join(value.replace("`", "'").lower().split())
    value = value.translate(PLAIN_PUNCTUATION)
    decomposed = unicodedata.normalize("NFKD", fold_identifier(value))
    stripped = "".join(
        char for char in decomposed if char.isspace() or not is_ignorable_character(char)
    )
    return " ".join(unicodedata.normalize("NFKC", stripped).translate(PLAIN_LETTERS).split())


def has_visible_text(value: str) -> bool:
    """Returns whether `value` has a visible character, so that its search form is not empty."""
    if any(char.isascii() and char.isalnum() for char in value):
        return True
    return bool(normalise_search_text(value))


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

    ASCII characters stay: "l" and "1" look alike too, but refusing "ann1" beside "annl" would
    refuse honest names.
    """
    if username.isascii():
        return username
    return "".join(map(ascii_lookalike, username))


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
