"""Usernames, email addresses and names: one normal form for forms, imports, seeds and searches."""

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
LOCALE_PATTERN = r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*"

# Cc control, Cf format (zero-width, bidirectional), Cs surrogate, Co private, Cn unassigned, Zl/Zp
# line separators.
INVISIBLE_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Letters and marks that show nothing either: Unicode's default-ignorable characters outside of
# those categories.
BLANK_CHARACTERS = frozenset(
    map(
        chr,
        [
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
        ],
    )
) | frozenset(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
USERNAME_MARKS = "@.+-_"
# Letters that decomposition leaves whole although people type them without the stroke or the
# ligature.
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


def refuse_invisible(value: str, allow: str = "") -> str:
    """`value` unchanged. Raises ValidationError when it holds a character that nobody can see."""
    for char in value:
        if char not in allow and (
            unicodedata.category(char) in INVISIBLE_CATEGORIES or char in BLANK_CHARACTERS
        ):
            raise ValidationError(
                f"This contains an invisible character (U+{ord(char):04X}). Remove it.",
                code="invisible",
            )
    return value


def fold_identifier(value: str) -> str:
    """NFKC and casefold until nothing changes: the form in which identifiers are stored and
    compared (UAX #31, R5).
    """
    for _ in range(4):
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
        if folded == value:
            break
        value = folded
    return value


def normalise_username(value: str) -> str:
    """The stored form of a username. Raises ValidationError with a sentence for the person who
    typed it.
    """
    username = refuse_invisible(fold_identifier(value.strip()))
    if not username:
        raise ValidationError("Enter a username.", code="required")
    if len(username) > USERNAME_MAX:
        raise ValidationError(
            f"A username can have at most {USERNAME_MAX} characters.", code="max_length"
        )
    for char in username:
        if unicodedata.category(char)[0] not in "LMN" and char not in USERNAME_MARKS:
            raise ValidationError(
                f"“{char}” can’t be part of a username. "
                f"Use letters, digits and {' '.join(USERNAME_MARKS)}.",
                code="invalid",
            )
    return username


def normalise_email(value: str) -> str:
    """The stored form of an address, or "" for none. Raises ValidationError with a sentence for the
    person who typed it.
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
    local, _, domain = email.rpartition("@")
    if not local.isascii():  # the validator lets a dotless i pass as an i
        raise ValidationError(
            "Use only letters from a to z, digits and symbols before the @.",
            code="invalid",
        )
    refuse_lookalike_domain(domain)
    return email


def refuse_lookalike_domain(domain: str) -> None:
    """Nothing, or ValidationError for a domain that reads as another one: mail would go to a
    stranger.
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
    """A person's name as typed (NFC, trimmed). Raises ValidationError for control characters and
    lone surrogates.
    """
    name = unicodedata.normalize("NFC", value.strip())
    for char in name:
        if unicodedata.category(char) in {"Cc", "Cs"}:
            raise ValidationError(
                f"This contains a control character (U+{ord(char):04X}). Remove it.",
                code="invisible",
            )
    if len(name) > NAME_MAX:  # asked again here: NFC makes some scripts longer than they were typed
        raise ValidationError(f"A name can have at most {NAME_MAX} characters.", code="max_length")
    return name


def normalise_phone(value: str) -> str:
    """Digits with an optional leading plus, or "". Raises ValidationError for anything else."""
    phone = re.sub(r"[\s().\-/–]", "", unicodedata.normalize("NFKC", value).strip())
    if phone and not re.fullmatch(r"\+?[0-9]{3,20}", phone):
        raise ValidationError(
            "Enter a phone number: digits only, with a + before the country code.",
            code="invalid",
        )
    return phone


def normalise_locale(value: str) -> str:
    """A language tag, or "". Raises ValidationError for anything else."""
    locale = value.strip()
    if locale and (len(locale) > LOCALE_MAX or not re.fullmatch(LOCALE_PATTERN, locale)):
        raise ValidationError("Enter a language tag such as en or pt-BR.", code="invalid")
    return locale


def normalise_time_zone(value: str) -> str:
    """A name of the IANA database, or "". Raises ValidationError for anything else."""
    zone = value.strip()
    if zone and zone not in time_zones():
        raise ValidationError("Enter a time zone such as Europe/Lisbon or UTC.", code="invalid")
    return zone


def normalise_source(value: str) -> str:
    """Returns the name of another system as stored. Raises ValidationError where it is too long or
    holds a character that nobody can see.
    """
    return require_length(refuse_invisible(value.strip()), SOURCE_MAX)


def normalise_source_id(value: str) -> str:
    """Returns the id in another system as that writes it: its ids may differ in case alone. Raises
    ValidationError as `normalise_source` does.
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
    return frozenset(available_timezones())  # reads a folder of files


def normalise_search_text(value: str) -> str:
    """`value` as it is searched: folded, without accents and what nobody sees, white space single.
    For columns and terms.
    """
    if value.isascii() and value.isprintable():  # most, and a fifth of the time
        return " ".join(value.lower().split())
    decomposed = unicodedata.normalize("NFKD", fold_identifier(value))
    stripped = "".join(
        char for char in decomposed if char.isspace() or not is_ignorable_character(char)
    )
    return " ".join(unicodedata.normalize("NFKC", stripped).translate(PLAIN_LETTERS).split())


def has_visible_text(value: str) -> bool:
    """Whether anything of `value` is left in search form, and so to be seen."""
    return any(char.isascii() and char.isalnum() for char in value) or bool(
        normalise_search_text(value)
    )


def is_ignorable_character(char: str) -> bool:
    """Accents, and characters that come along with pasted text: zero-width, bidirectional, control,
    no character at all.
    """
    return (
        unicodedata.category(char) in {"Mn", "Cf", "Cc", "Cs"}
        or char in BLANK_CHARACTERS
        or ord(char) & 0xFFFE == 0xFFFE
    )


def ascii_skeleton(username: str) -> str:
    """`username` with each character outside ASCII replaced by the ASCII one that it looks like
    (Unicode TR 39).

    ASCII stays as it is: "l" and "1" look alike too, but refusing "ann1" beside "annl" would refuse
    honest names.
    """
    if username.isascii():
        return username
    return "".join(char if char.isascii() else ascii_lookalike(char) for char in username)


@lru_cache(maxsize=4096)
def ascii_lookalike(char: str) -> str:
    from confusable_homoglyphs.confusables import (
        confusables_data,
    )  # 2 MB, and most processes never need it

    for other in confusables_data.get(char, ()):
        if len(other["c"]) == 1 and other["c"].isascii():
            return other["c"].casefold()
    return char


LARGEST_ID = 2**63 - 1
