"""Rules for new passwords: long enough, and none that somebody who knows the person or the site
tries first.
"""

import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

from users.identifiers import fold_identifier

MIN_LENGTH = 10
MIN_DIFFERENT = 5  # characters
MIN_PART = 3  # characters of a name that count as the name
# Different characters, digits left out, that a password with a name needs besides it.
MIN_OTHERS = 4
COMMON_WORD_MIN = 4
# Keys and letters in a row; four of them, forwards or backwards, count as nothing.
ROWS = (
    "1234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
)
RUN_MIN = 4
# Stands for keys in a row that were taken out of a password; no keyboard has it.
RUN_MARK = "\x00"
# Signs that people write for letters.
LOOK_ALIKES = str.maketrans("@4310$57!", "aaeiossti")
REPEATED = "This password repeats itself. Choose another one."
COMMON = "This is a common password with digits or signs. Choose another one."
COMMON_PAIR = "This is made of common words or names. Choose another one."
SIMILAR = "This password is too similar to your name, username or email address."
PREDICTABLE = "This password is little more than the name of this site or keys in a row."


class LengthValidator:
    """Refuses short passwords. Staff need longer ones, unless they have a second factor."""

    def validate(self, password: str, user: Any = None) -> None:
        least = least_length(user)
        if len(password) >= least:
            return
        text = f"This password is too short. Use at least {least} characters."
        raise ValidationError(text + factor_sentence(least), code="password_too_short")

    def get_help_text(self) -> str:
        return f"At least {MIN_LENGTH} characters; more for staff."


def password_help(user: Any) -> str:
    """Returns how long a new password of the account must be, and what it must not be."""
    least = least_length(user)
    text = f"At least {least} characters.{factor_sentence(least)}"
    return f"{text} Don’t use your name, the name of this site or a common password."


def factor_sentence(least: int) -> str:
    """Returns the sentence that fewer characters are enough with a second factor; "" if not."""
    with_factor = settings.STAFF_LENGTHS[1]
    if least <= max(with_factor, MIN_LENGTH):
        return ""
    return f" With a second factor, {with_factor} are enough."


def least_length(user: Any) -> int:
    """Returns how many characters a new password of the account needs."""
    if not getattr(user, "is_staff", False) and not getattr(user, "is_superuser", False):
        return MIN_LENGTH
    alone, with_factor = settings.STAFF_LENGTHS
    return with_factor if getattr(user, "has_second_factor", False) else alone


class GuessablePasswordValidator:
    """Refuses repetitions, common passwords with digits, keys in a row, and names of the person or
    of the site with little else.
    """

    def __init__(self) -> None:
        self.common = CommonPasswordValidator().passwords

    def validate(self, password: str, user: Any = None) -> None:
        folded = fold_identifier(password)
        names = identity_parts(user)
        if len(set(folded)) < MIN_DIFFERENT:
            text = f"Use at least {MIN_DIFFERENT} different characters."
            raise ValidationError(text, code="password_repeats")
        if folded in (folded + folded)[1:-1]:
            raise ValidationError(REPEATED, code="password_repeats")
        self.refuse_common(folded, names | site_words())
        if has_little_else(folded, names):
            raise ValidationError(SIMILAR, code="password_too_similar")
        if has_little_else(without_runs(folded), names | site_words()):
            raise ValidationError(PREDICTABLE, code="password_predictable")

    def refuse_common(self, folded: str, names: set[str]) -> None:
        """Raises ValidationError for one common word, or two of them or of the names."""
        for letters in letter_forms(folded):
            if len(letters) >= COMMON_WORD_MIN and letters in self.common:
                raise ValidationError(COMMON, code="password_too_common")
            if self.is_common_pair(letters, names):
                raise ValidationError(COMMON_PAIR, code="password_too_common")

    def is_common_pair(self, letters: str, names: set[str]) -> bool:
        ends = range(COMMON_WORD_MIN, len(letters) - COMMON_WORD_MIN + 1)
        return any(
            self.is_known_word(letters[:end], names) and self.is_known_word(letters[end:], names)
            for end in ends
        )

    def is_known_word(self, word: str, names: set[str]) -> bool:
        return word in self.common or word in names

    def get_help_text(self) -> str:
        return "Not a name or a common word with digits."


def letter_forms(folded: str) -> set[str]:
    """Returns the letters of a folded password, and those with signs that stand for letters."""
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    forms = (folded, core.translate(LOOK_ALIKES))
    return {"".join(filter(str.isalpha, form)) for form in forms}


def has_little_else(password: str, parts: Iterable[str]) -> bool:
    """Returns whether little but digits is left of a folded password without these parts, of which
    it has one at least.
    """
    rest = password
    for part in sorted({*parts, RUN_MARK}, key=len, reverse=True):
        rest = rest.replace(part, "")
    others = {char for char in rest if not char.isdigit()}
    return rest != password and len(others) < MIN_OTHERS


def without_runs(password: str) -> str:
    """Returns the password with a mark in place of each run of RUN_MIN keys or more."""
    found = ""
    at = 0
    while at < len(password):
        length = run_length(password[at : at + 40])
        found += RUN_MARK if length else password[at]
        at += length or 1
    return found


def run_length(text: str) -> int:
    """Returns how many characters at the beginning are keys in a row; 0 for fewer than RUN_MIN."""
    longest = 0
    for row in ROWS:
        for keys in (row, row[::-1]):
            length = 0
            while length < len(text) and text[: length + 1] in keys:
                length += 1
            longest = max(longest, length)
    return longest if longest >= RUN_MIN else 0


def site_words() -> set[str]:
    """Returns the folded words of the product, the organisation and the host."""
    host = settings.SITE_PARTS.hostname or ""
    texts = ("rollcall", settings.ORGANISATION_NAME, host)
    words = [word for text in texts for word in re.split(r"[\W_]+", fold_identifier(text))]
    return {word for word in words if len(word) >= MIN_PART}


def identity_parts(user: Any) -> set[str]:
    """Returns the folded names of a person, whole and in words."""
    names = ("username", "email", "first_name", "last_name")
    values = [fold_identifier(getattr(user, name, "") or "") for name in names]
    values += [value.partition("@")[0] for value in values]
    words = [word for value in values for word in re.split(r"[\W_]+", value)]
    return {part for part in [*values, *words] if len(part) >= MIN_PART}
