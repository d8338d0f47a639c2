"""Letters by staff: plain text with placeholders that are filled in for each recipient."""

import re
from collections.abc import Callable
from unicodedata import category

from django.core.exceptions import ValidationError

from users.identifiers import INVISIBLE_CATEGORIES
from users.mail.models import SUBJECT_MAX, TEXT_MAX
from users.models import User

PLACEHOLDER = re.compile(r"\{ ?([a-z_]+) ?\}")
# Nothing else is ever looked up in an account. Whoever has no name is called by the username.
VARIABLES: dict[str, Callable[[User], str]] = {
    "name": lambda account: account.display_name,
    "first_name": lambda account: account.first_name or account.display_name,
    "last_name": lambda account: account.last_name or account.display_name,
    "username": lambda account: account.username,
    "email": lambda account: account.email,
}
PLACEHOLDER_NAMES = ", ".join(f"{{{name}}}" for name in VARIABLES)


def fill_placeholders(template: str, account: User) -> str:
    """For this person. What stands in a value is not looked at again."""
    return PLACEHOLDER.sub(
        lambda place: VARIABLES[place[1]](account) if place[1] in VARIABLES else place[0], template
    )


def fill_subject(template: str, account: User) -> str:
    """A subject: one line, whatever a name may hold."""
    return " ".join(fill_placeholders(template, account).split())


def clean_letter(subject: str, text: str) -> tuple[str, str]:
    """Returns subject and text in the form that is stored. Raises ValidationError by field."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    subject = subject.strip()
    errors = {
        "subject": letter_error(subject, SUBJECT_MAX, "A subject"),
        "text": letter_error(
            text, TEXT_MAX, "An email", allow="\n\t\u200c\u200d"
        ),  # the last two join letters and signs
    }
    if found := {field: why for field, why in errors.items() if why}:
        raise ValidationError(found)
    return subject, text


def letter_error(template: str, longest: int, what: str, allow: str = "\u200c\u200d") -> str:
    """Returns the error of a template as a sentence, or ""."""
    if not template:
        return "Write something first."
    if len(template) > longest:
        return f"{what} can have at most {longest:,} characters; this one has {len(template):,}."
    if odd := next(
        (char for char in template if category(char) in INVISIBLE_CATEGORIES and char not in allow),
        "",
    ):
        return f"This contains an invisible character (U+{ord(odd):04X}). Remove it."
    if strange := next(
        (name for name in PLACEHOLDER.findall(template) if name not in VARIABLES), ""
    ):
        return f"Unknown placeholder {{{strange}}}. Available: {PLACEHOLDER_NAMES}."
    return ""
