"""Usernames: their stored form, and the names that nobody may choose."""

import re
import unicodedata
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ValidationError

from users.email_addresses import identifier_key
from users.identifiers import USERNAME_MAX, ascii_skeleton, normalise_search_text
from users.reserved_usernames import RESERVED_USERNAMES
from users.typed_text import refuse_invisible

USERNAME_MARKS = "@.+-_"
# Most usernames are in their normal form, and need none of the slower checks.
PLAIN_USERNAME = re.compile(rf"[a-z0-9.+_-]{{1,{USERNAME_MAX}}}")
SEPARATORS = str.maketrans("", "", ".-_+")
# A shorter name with separators is somebody's initials: "m.e" is not "me".
MIN_JOINED_LENGTH = 4
RESERVED_USERNAME = (
    "This username is reserved, because people would take it for a part of the system."
    " Choose another one."
)


def normalise_username(value: str) -> str:
    """Returns the stored form of a username. Raises ValidationError with a message for the user."""
    if PLAIN_USERNAME.fullmatch(value):
        return value
    username = refuse_invisible(identifier_key(value))
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


def is_reserved_username(username: str) -> bool:
    """Returns True for a username of the list or of RESERVED_USERNAMES, and for one that looks like
    it: with accents, foreign letters, or signs between its letters. So is that of the
    break-glass account, which may sign in without the provider: a command creates it.
    """
    if username == settings.OIDC.break_glass:
        return True
    if "@" in username:
        return False  # the account's own address
    plain = plain_spelling(username)
    joined = plain.translate(SEPARATORS)
    names = reserved_names_in_force(tuple(settings.RESERVED_USERNAMES))
    return plain in names or (len(joined) >= MIN_JOINED_LENGTH and joined in names)


def plain_spelling(username: str) -> str:
    """Returns a username in ASCII as people would read it: without accents and foreign letters."""
    if username.isascii():
        return username.lower()
    return normalise_search_text(ascii_skeleton(normalise_search_text(username)))


@lru_cache(maxsize=8)
def reserved_names_in_force(added: tuple[str, ...]) -> frozenset[str]:
    """Returns all reserved usernames, as given and without separators. `added`: by the setting,
    where a name with a minus before it is free again.
    """
    own = {plain_spelling(name) for name in added if not name.startswith("-")}
    released = {plain_spelling(name[1:]) for name in added if name.startswith("-")}
    names = (RESERVED_USERNAMES | own) - released - {""}
    return names | {name.translate(SEPARATORS) for name in names}
