"""Reads a line of a pasted list as keys: pairs of a column of the account and what it must equal.

Everything is compared as a whole and as the search box compares it, so a list reveals nothing that
a search does not. What identifies an account comes first; only a line that no identifier matches,
and that is no phone number, may be a name.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from django.core.exceptions import ValidationError

from users.directory.lists.models import LineKind
from users.directory.search_text import ADDRESS_IN_BRACKETS, MAILTO
from users.email_addresses import email_key, identifier_key
from users.identifiers import normalise_search_text
from users.phone_numbers import normalise_phone
from users.web.query_string import is_id_text

# A column of users.directory.lists.lookup.LOOKUP_CONDITIONS, and what it is compared with.
Key = tuple[str, str]
UUID_TEXT = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
PHONE_TEXT = re.compile(r"[+(]?[0-9][0-9\s()/.\-\u2010-\u2015\u2212]{5,}")
PHONE_SEPARATORS = re.compile(r"[^0-9+]")
PHONE_MIN_DIGITS = 7
# A number in its stored form: no zero follows any possible country code.
COUNTRY_AND_DIGITS = re.compile(r"\+[1-9]{5}[0-9]*")
# Words of a name of which every split into first and last name is tried.
NAME_WORDS_MAX = 6


def first_keys(text: str, kind: LineKind) -> list[Key]:
    """Returns the keys by which a line is looked up first."""
    return FIRST_KEYS[kind](text)


def fallback_keys(text: str, kind: LineKind) -> list[Key]:
    """Returns the slower keys, for a line that none of its first keys matches."""
    keys: list[Key] = []
    is_any = kind == LineKind.ANY
    is_phone = is_phone_like(text)
    if is_phone and (is_any or kind == LineKind.PHONE):
        keys += normal_phone_keys(text)
    if is_any and not is_phone and "@" not in text:
        keys += name_keys(text)
    return keys


def any_keys(text: str) -> list[Key]:
    """Returns the keys of a line of any kind, except for those of a name."""
    if "@" in text:
        # An address that is a username has the same key.
        key = email_key(bracketed_address(text))
        return [("email", key), ("username", key)]
    keys = id_keys(text)
    if UUID_TEXT.fullmatch(text):
        keys += source_id_keys(text)
    if is_phone_like(text):
        keys += typed_phone_keys(text)
    if " " not in text:
        keys += username_keys(text)
    return keys


def bracketed_address(text: str) -> str:
    """Returns the address of "Ann <ann@example.com>" or of a mailto link; other text unchanged."""
    if "<" not in text and ":" not in text:
        return text
    address = ADDRESS_IN_BRACKETS.search(text) or MAILTO.fullmatch(text)
    return address[1] if address else text


def email_keys(text: str) -> list[Key]:
    """Returns the key of an email address."""
    address = bracketed_address(text)
    return [("email", email_key(address))]


def id_keys(text: str) -> list[Key]:
    """Returns the key of an account ID such as 5821 or #5821; [] for other text."""
    digits = text.removeprefix("#")
    if not is_id_text(digits):
        return []
    number = str(int(digits))
    return [("id", number)]


def username_keys(text: str) -> list[Key]:
    """Returns the key of a username, which may be an email address."""
    name = bracketed_address(text)
    return [("username", identifier_key(name))]


def source_id_keys(text: str) -> list[Key]:
    """Returns the keys of an ID in another system. A UUID may be written in several ways."""
    keys = [("source_id", text)]
    if UUID_TEXT.fullmatch(text):
        keys.append(("source_id", str(UUID(text))))
    return keys


def is_phone_like(text: str) -> bool:
    """Returns whether a line may be a phone number."""
    return bool(PHONE_TEXT.fullmatch(text))


def typed_phone_keys(text: str) -> list[Key]:
    """Returns the typed digits, and those behind a plus, which a spreadsheet drops. Nearly all
    stored numbers have one of these forms.
    """
    digits = PHONE_SEPARATORS.sub("", text)
    if len(digits) < PHONE_MIN_DIGITS:
        return []
    keys = [("phone", digits)]
    if not digits.startswith(("+", "0")):
        with_plus = f"+{digits}"
        keys.append(("phone", with_plus))
    return keys


def normal_phone_keys(text: str) -> list[Key]:
    """Returns the stored form of a typed number, such as that without the zero in +49 (0)151,
    unless it is one of the typed keys.
    """
    keys: list[Key] = []
    digits = PHONE_SEPARATORS.sub("", text)
    if COUNTRY_AND_DIGITS.fullmatch(digits):
        return keys
    typed = [digits]
    if not text.startswith(("+", "0", "(")):
        typed.append(f"+{digits}")
    first = typed_phone_keys(digits)
    for number in typed:
        with suppress(ValidationError):
            key = ("phone", normalise_phone(number))
            if key not in first:
                keys.append(key)
    return keys


def name_keys(text: str) -> list[Key]:
    """Returns the sort keys of a name, whose last name comes first: as typed with a comma, else
    with each split of its words.
    """
    last, comma, first = text.partition(",")
    name = normalise_search_text(f"{last} {first}")
    words = name.split()
    names = dict.fromkeys([name])
    if not comma and len(words) <= NAME_WORDS_MAX:
        for start in range(1, len(words)):
            rotated = words[start:] + words[:start]
            names[" ".join(rotated)] = None
    return [("name", each) for each in names if each]


FIRST_KEYS: dict[LineKind, Callable[[str], list[Key]]] = {
    LineKind.ANY: any_keys,
    LineKind.ID: id_keys,
    LineKind.EMAIL: email_keys,
    LineKind.USERNAME: username_keys,
    LineKind.PHONE: typed_phone_keys,
    LineKind.NAME: name_keys,
    LineKind.SOURCE_ID: source_id_keys,
}
