"""Reads a line of a pasted list as keys: pairs of a column of the account and what it must equal.

Everything is compared as a whole and as the search box compares it, so a list reveals nothing that
a search does not. What identifies an account comes first; only a line that no identifier matches
may be a name.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from django.core.exceptions import ValidationError

from users.directory.lists.models import LineKind
from users.directory.search_text import ACCOUNT_NUMBER, ADDRESS_IN_BRACKETS, MAILTO
from users.email_addresses import email_key, identifier_key
from users.identifiers import LARGEST_ID, normalise_search_text
from users.phone_numbers import normalise_phone

# A column of users.directory.lists.lookup.LOOKUP_CONDITIONS, and what it is compared with.
Key = tuple[str, str]
UUID_TEXT = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
PHONE_TEXT = re.compile(r"[+(]?[0-9][0-9\s()/.\-\u2010-\u2015\u2212]{5,}")
PHONE_SEPARATORS = re.compile(r"[^0-9+]")
PHONE_MIN_DIGITS = 7
# Words of a name of which every split into first and last name is tried.
NAME_WORDS_MAX = 6


def first_keys(text: str, kind: LineKind) -> list[Key]:
    """Returns the keys by which a line is looked up first."""
    return FIRST_KEYS[kind](text)


def later_keys(text: str, kind: LineKind) -> list[Key]:
    """Returns the keys of a line that none of its first ones matches. They take longer."""
    keys: list[Key] = []
    if kind in (LineKind.ANY, LineKind.PHONE) and is_phone_like(text):
        keys += normal_phone_keys(text)
    if kind == LineKind.ANY and "@" not in text:
        keys += name_keys(text)
    return keys


def any_keys(text: str) -> list[Key]:
    if address := ADDRESS_IN_BRACKETS.search(text) or MAILTO.fullmatch(text):
        return address_keys(address[1])
    if "@" in text:
        return address_keys(text)
    keys = id_keys(text)
    if UUID_TEXT.fullmatch(text):
        keys += source_id_keys(text)
    if is_phone_like(text):
        keys += typed_phone_keys(text)
    if " " not in text:
        keys += username_keys(text)
    return keys


def address_keys(text: str) -> list[Key]:
    """Returns the keys of an email address, which may also be a username."""
    return [("email", email_key(text)), ("username", identifier_key(text))]


def email_keys(text: str) -> list[Key]:
    address = ADDRESS_IN_BRACKETS.search(text) or MAILTO.fullmatch(text)
    return [("email", email_key(address[1] if address else text))]


def id_keys(text: str) -> list[Key]:
    digits = number[1] if (number := ACCOUNT_NUMBER.fullmatch(text)) else text
    is_number = digits.isascii() and digits.isdigit() and len(digits) < 20
    if not is_number or int(digits) > LARGEST_ID:
        return []
    return [("id", str(int(digits)))]


def username_keys(text: str) -> list[Key]:
    return [("username", identifier_key(text))]


def source_id_keys(text: str) -> list[Key]:
    keys = [("source_id", text)]
    if UUID_TEXT.fullmatch(text):
        keys.append(("source_id", str(UUID(text))))
    return keys


def is_phone_like(text: str) -> bool:
    return bool(PHONE_TEXT.fullmatch(text))


def typed_phone_keys(text: str) -> list[Key]:
    """Returns the typed digits, and those behind a plus, which a spreadsheet drops. Nearly all
    stored numbers have one of these forms.
    """
    digits = PHONE_SEPARATORS.sub("", text)
    if len(digits) < PHONE_MIN_DIGITS:
        return []
    if digits.startswith("+"):
        return [("phone", digits)]
    keys = [("phone", digits)]
    if not digits.startswith("0"):
        keys.append(("phone", f"+{digits}"))
    return keys


def normal_phone_keys(text: str) -> list[Key]:
    """Returns the stored form of a typed number, such as that without the zero in +49 (0)151."""
    keys: list[Key] = []
    typed = [text] if text.startswith(("+", "0", "(")) else [text, f"+{text}"]
    for number in typed:
        with suppress(ValidationError):
            keys.append(("phone", normalise_phone(number)))
    return keys


def name_keys(text: str) -> list[Key]:
    """Returns the sort keys of a name, whose last name comes first: as typed with a comma, else
    with each split of its words.
    """
    last, comma, first = text.partition(",")
    words = normalise_search_text(f"{last} {first}").split()
    if comma or not words or len(words) > NAME_WORDS_MAX:
        return [("name", " ".join(words))] if words else []
    turned = [" ".join(words[start:] + words[:start]) for start in range(len(words))]
    return [("name", key) for key in dict.fromkeys(turned)]


FIRST_KEYS: dict[LineKind, Callable[[str], list[Key]]] = {
    LineKind.ANY: any_keys,
    LineKind.ID: id_keys,
    LineKind.EMAIL: email_keys,
    LineKind.USERNAME: username_keys,
    LineKind.PHONE: typed_phone_keys,
    LineKind.NAME: name_keys,
    LineKind.SOURCE_ID: source_id_keys,
}
