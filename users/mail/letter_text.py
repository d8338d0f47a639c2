"""Letters by staff: plain text with placeholders for values of each recipient."""

import re
from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from users.mail.models import SUBJECT_MAX, TEXT_MAX
from users.models import User
from users.typed_text import LINE_BREAKS, isolate_text, refuse_hidden

PLACEHOLDER = re.compile(r"\{ ?([a-z_]+) ?\}")
# Zero-width characters that some scripts and emoji need.
JOINERS = "\u200c\u200d"
# The only values of an account that letters may use. The username replaces a missing name.
VARIABLES: dict[str, Callable[[User], str]] = {
    "name": lambda account: account.display_name,
    "first_name": lambda account: account.first_name or account.display_name,
    "last_name": lambda account: account.last_name or account.display_name,
    "username": lambda account: account.username,
    "email": lambda account: account.email,
}
PLACEHOLDER_NAMES = ", ".join(f"{{{name}}}" for name in VARIABLES)


def fill_placeholders(template: str, account: User) -> str:
    """Returns the text for one recipient. Placeholders within values are not replaced."""

    def placeholder_value(match: re.Match[str]) -> str:
        variable = VARIABLES.get(match[1])
        return isolate_text(variable(account)) if variable else match[0]

    return PLACEHOLDER.sub(placeholder_value, template)


def preview_html(template: str, account: User) -> SafeString:
    """Returns the text for one recipient as HTML, in which unknown placeholders are marked."""
    parts = []
    end = 0
    for match in PLACEHOLDER.finditer(template):
        parts.append(escape(template[end : match.start()]))
        value = escape(fill_placeholders(match[0], account))
        is_known = match[1] in VARIABLES
        parts.append(value if is_known else format_html("<mark>{}</mark>", value))
        end = match.end()
    parts.append(escape(template[end:]))
    return SafeString("".join(parts))


def unknown_placeholder(template: str) -> str:
    """Returns a sentence about the first placeholder that no account has, or ""."""
    for name in PLACEHOLDER.findall(template):
        if name not in VARIABLES:
            return f"Unknown placeholder {{{name}}}. Available: {PLACEHOLDER_NAMES}."
    return ""


def fill_subject(template: str, account: User) -> str:
    """Returns a subject for one recipient, as one line whatever their name contains."""
    return " ".join(fill_placeholders(template, account).split())


def clean_letter(subject: str, text: str) -> tuple[str, str]:
    """Returns subject and text in the form that is stored. Raises ValidationError by field."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    subject = subject.strip()
    errors = {
        "subject": letter_error(subject, SUBJECT_MAX, "A subject"),
        "text": letter_error(text, TEXT_MAX, "An email", allow=LINE_BREAKS),
    }
    if found := {field: error for field, error in errors.items() if error}:
        raise ValidationError(found)
    return subject, text


def letter_error(template: str, longest: int, what: str, allow: str = "") -> str:
    """Returns the error of a template as a sentence, or "". `allow`: invisible characters."""
    if not template:
        return "Write something first."
    if len(template) > longest:
        return f"{what} can have at most {longest:,} characters; this one has {len(template):,}."
    try:
        refuse_hidden(template, allow)
    except ValidationError as error:
        return error.messages[0]
    return unknown_placeholder(template)
