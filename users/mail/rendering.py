"""Renders emails from their templates, for sending and for previews alike.

Rendering templates and moving styles into elements costs four times as much as the rest of a mail.
So it is done once for all mails that differ only in values: with a token in place of each value.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import rcssmin
from css_inline import CSSInliner
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString

from users.mail import letter_text
from users.mail.languages import text_direction
from users.mail.markup import TOKEN, CompiledMarkup, compile_letter, value_token
from users.mail.models import Letter, Message
from users.mail.organisation import current_organisation
from users.models import User

STYLES = settings.BASE_DIR / "templates" / "users" / "mail" / "styles.css"
# Characters of a letter that a mailbox shows beside its subject.
PREHEADER_MAX = 110
INDENTATION = re.compile(r"\n\s*")
Shared = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class RenderedMail:
    subject: str
    # The part that is plain text, and the page.
    text: str
    html: str


@dataclass(frozen=True)
class MailSkeleton:
    """The two parts of mails that differ only in values, with a token for each value."""

    text: str
    html: str


def render_mail(
    kind: str, values: Mapping[str, str], shared: Mapping[str, Any] | None = None
) -> RenderedMail:
    """Returns the mail of a kind.

    `values`: texts that only this mail has. A template prints them, or asks whether they are empty,
    and does nothing else with them. `shared`: what many mails have in common.
    """
    context = frame_context(settings.LANGUAGE_CODE) | dict(shared or {})
    present = tuple(name for name, value in values.items() if value)
    skeleton = mail_skeleton(kind, present, tuple(context.items()))
    escaped = {name: escape(values[name]) for name in present}
    return RenderedMail(
        subject=values["subject"],
        text=TOKEN.sub(lambda match: values.get(match[1], ""), skeleton.text),
        html=TOKEN.sub(lambda match: escaped.get(match[1], ""), skeleton.html),
    )


@lru_cache(maxsize=64)
def mail_skeleton(kind: str, present: tuple[str, ...], shared: Shared) -> MailSkeleton:
    context = dict(shared) | {name: SafeString(value_token(name)) for name in present}
    text = render_to_string(f"users/mail/{kind}.txt", context)
    page = render_to_string(f"users/mail/{kind}.html", context)
    return MailSkeleton(text.strip() + "\n", inline_styles(page))


def render_letter(
    letter: Letter,
    account: User,
    kind: str = "",
    values: Mapping[str, str] | None = None,
    shared: Mapping[str, Any] | None = None,
) -> RenderedMail:
    """Returns a letter for one recipient, in the language that they read.

    `kind`: that of the message; without one, the letter is shown before it is sent. `values` and
    `shared`: see `render_mail`.
    """
    language = letter_text.letter_language(letter, account)
    subject, text = letter_text.translated_text(letter, language)
    compiled = compile_letter(text, has_markup=letter.has_markup)
    letter_values = letter_text.variable_values(account)
    letter_values["subject"] = letter_text.fill_subject(subject, account)
    frame = frame_context(language or settings.ORGANISATION_LANGUAGE)
    if not kind:
        kind = Message.Kind.ANNOUNCEMENT if letter.has_markup else Message.Kind.LETTER
    return render_mail(
        kind,
        letter_values | dict(values or {}),
        frame | letter_context(compiled) | dict(shared or {}),
    )


def letter_context(compiled: CompiledMarkup) -> dict[str, Any]:
    return {
        "text": SafeString(compiled.plain),
        "html": SafeString(compiled.html),
        "preheader": SafeString(escape(preheader(compiled.plain))),
        "answers": settings.MAIL_REPLY_TO,
    }


def preheader(plain: str) -> str:
    """Returns the beginning of a text with tokens, none of which is cut."""
    start = letter_text.one_line(plain)[:PREHEADER_MAX]
    is_cut = start.rfind("\ufffe") > start.rfind("\uffff")
    return start[: start.rfind("\ufffe")] if is_cut else start


def frame_context(language: str) -> dict[str, Any]:
    """Returns what every mail shows: the organisation, and how its text is written."""
    direction = text_direction(language)
    return {
        "organisation": current_organisation(),
        "site_url": settings.SITE_URL,
        "lang": language,
        "dir": direction,
        "align": "right" if direction == "rtl" else "left",
    }


def inline_styles(page: str) -> str:
    """Returns a page with its styles in its elements, except for those of media queries."""
    compact = INDENTATION.sub("\n", page).replace("/* styles */", styles(), 1)
    inlined = inliner().inline(compact)
    # Before the styles: a file that is opened in a browser must name its encoding early.
    return inlined.replace("<head>", '<head><meta charset="utf-8">', 1)


@lru_cache(maxsize=1)
def styles() -> str:
    return rcssmin.cssmin(STYLES.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def inliner() -> CSSInliner:
    # Nothing is loaded: neither from another host nor from this machine.
    return CSSInliner(
        load_remote_stylesheets=False,
        keep_at_rules=True,
        minify_css=True,
    )
