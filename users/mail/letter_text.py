"""Letters by staff: their text with placeholders for values of each recipient, in the language that
the recipient reads.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from users.mail.languages import best_language
from users.mail.models import SUBJECT_MAX, TEXT_MAX, Letter
from users.models import User
from users.typed_text import LINE_BREAKS, isolate_text, refuse_hidden

PLACEHOLDER = re.compile(r"\{ ?([a-z_]+) ?\}")
# Whatever someone may have meant as a placeholder, such as {user.password}, {{ x }} or {0}.
BRACES = re.compile(r"\{+[^{}\n]*\}+")
# Errors name this many unknown placeholders, and this many characters of each.
NAMED_MAX = 20
SHOWN_MAX = 60
# The only values of an account that letters may use. The username replaces a missing name.
VARIABLES: dict[str, Callable[[User], str]] = {
    "name": lambda account: account.display_name,
    "first_name": lambda account: account.first_name or account.display_name,
    "last_name": lambda account: account.last_name or account.display_name,
    "username": lambda account: account.username,
    "email": lambda account: account.email,
}
PLACEHOLDER_NAMES = ", ".join(f"{{{name}}}" for name in VARIABLES)


def localised_text(letter: Letter, account: User) -> tuple[str, str]:
    """Returns subject and text, with their placeholders, in the language of the account; those of
    the letter itself where no translation fits.
    """
    return translated_text(letter, letter_language(letter, account))


def letter_language(letter: Letter, account: User) -> str:
    """Returns the language of the translation for this account, or "" for none."""
    return best_language(account.locale, letter.translations)


def translated_text(letter: Any, language: str) -> tuple[str, str]:
    """Returns subject and text of a letter or template in a language of its translations, or its
    own for "".
    """
    if not language:
        return letter.subject, letter.text
    translation = letter.translations[language]
    return translation["subject"], translation["text"]


def variable_value(name: str, account: User) -> str:
    """Returns a value for the middle of a text: in one line, and isolated from its direction."""
    return isolate_text(one_line(VARIABLES[name](account)))


def variable_values(account: User) -> dict[str, str]:
    return {name: variable_value(name, account) for name in VARIABLES}


def one_line(text: str) -> str:
    """Returns a text as one line without control characters, whatever an import has stored."""
    joined = " ".join(text.split())
    if joined.isprintable():
        return joined
    return "".join(char for char in joined if unicodedata.category(char) != "Cc")


def fill_placeholders(template: str, account: User) -> str:
    """Returns the text for one recipient. Placeholders within values are not replaced."""

    def placeholder_value(match: re.Match[str]) -> str:
        return variable_value(match[1], account) if match[1] in VARIABLES else match[0]

    return PLACEHOLDER.sub(placeholder_value, template)


def preview_html(template: str, account: User) -> SafeString:
    """Returns the text for one recipient as HTML, in which unknown placeholders are marked."""
    parts = []
    end = 0
    for match in BRACES.finditer(template):
        parts.append(escape(template[end : match.start()]))
        value = escape(fill_placeholders(match[0], account))
        parts.append(value if is_known(match[0]) else format_html("<mark>{}</mark>", value))
        end = match.end()
    parts.append(escape(template[end:]))
    return SafeString("".join(parts))


def without_noncharacters(text: str) -> str:
    """Returns a text that was typed, without what stands around the names of variables in compiled
    texts (users.mail.markup).
    """
    return text.replace("\ufffe", "").replace("\uffff", "")


def is_known(braces: str) -> bool:
    """Returns True for exactly one placeholder of VARIABLES."""
    match = PLACEHOLDER.fullmatch(braces)
    return match is not None and match[1] in VARIABLES


def unknown_placeholders(template: str) -> list[str]:
    """Returns what stands in braces and is no placeholder, each once, in order."""
    found = [braces for braces in BRACES.findall(template) if not is_known(braces)]
    return list(dict.fromkeys(found))


def unknown_placeholder(template: str) -> str:
    """Returns a sentence that names all placeholders that no account has, or ""."""
    unknown = unknown_placeholders(template)
    if not unknown:
        return ""
    shown = [Truncator(text).chars(SHOWN_MAX) for text in unknown]
    names = ", ".join(shown[:NAMED_MAX])
    more = f" and {len(shown) - NAMED_MAX} more" if len(shown) > NAMED_MAX else ""
    plural = "s" if len(shown) > 1 else ""
    return f"Unknown placeholder{plural} {names}{more}. Available: {PLACEHOLDER_NAMES}."


def fill_subject(template: str, account: User) -> str:
    """Returns a subject for one recipient, as one line whatever their name contains."""
    return one_line(fill_placeholders(template, account))


def clean_letter(
    subject: str, text: str, checks: Iterable[Callable[[str], str]] = ()
) -> tuple[str, str]:
    """Returns subject and text in the form that is stored. Raises ValidationError by field.

    `checks`: further checks of the text, each of which returns a sentence or "".
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    subject = subject.strip()
    errors = {
        "subject": letter_error(subject, SUBJECT_MAX, "A subject"),
        "text": letter_error(text, TEXT_MAX, "An email", allow=LINE_BREAKS),
    }
    found: dict[str, Any] = {field: error for field, error in errors.items() if error}
    further = [error for check in checks if (error := check(text))]
    if further:
        found["text"] = [error for error in (errors["text"], *further) if error]
    if found:
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
