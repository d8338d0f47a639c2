"""A rule for new passwords: none that somebody who knows the person tries first."""

import re
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

from users.identifiers import fold_identifier

MIN_DIFFERENT = 5  # characters
MIN_PART = 3  # characters of a name that count as the name
# Different characters, digits left out, that a password with a name needs besides it.
MIN_OTHERS = 4
COMMON_WORD_MIN = 4


class GuessablePasswordValidator:
    """Refuses repetitions, common passwords with digits, and names of the person with digits."""

    def __init__(self) -> None:
        self.common = CommonPasswordValidator().passwords

    def validate(self, password: str, user: Any = None) -> None:
        folded = fold_identifier(password)
        if len(set(folded)) < MIN_DIFFERENT:
            text = f"Use at least {MIN_DIFFERENT} different characters."
            raise ValidationError(text, code="password_repeats")
        letters = "".join(filter(str.isalpha, folded))
        if len(letters) >= COMMON_WORD_MIN and letters in self.common:
            text = "This is a common password with digits or signs. Choose another one."
            raise ValidationError(text, code="password_too_common")
        if is_name_with_digits(folded, user):
            text = "This password is too similar to your name, username or email address."
            raise ValidationError(text, code="password_too_similar")

    def get_help_text(self) -> str:
        return "Not a name or a common word with digits."


def is_name_with_digits(password: str, user: Any) -> bool:
    """Returns whether little but digits is left of a folded password without the person's names."""
    rest = password
    for part in sorted(identity_parts(user), key=len, reverse=True):
        rest = rest.replace(part, "")
    others = {char for char in rest if not char.isdigit()}
    return rest != password and len(others) < MIN_OTHERS


def identity_parts(user: Any) -> set[str]:
    """Returns the folded names of a person, whole and in words."""
    names = ("username", "email", "first_name", "last_name")
    values = [fold_identifier(getattr(user, name, "") or "") for name in names]
    values += [value.partition("@")[0] for value in values]
    words = [word for value in values for word in re.split(r"[\W_]+", value)]
    return {part for part in [*values, *words] if len(part) >= MIN_PART}
