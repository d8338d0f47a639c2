"""The markup of announcements: paragraphs, line breaks, emphasis and links, as text and as HTML.

Markup is compiled once for each text. Placeholders are replaced by values afterwards, so that no
value is read as markup.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

from django.utils.html import escape, linebreaks
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token

from users.mail.letter_text import (
    PLACEHOLDER,
    PLACEHOLDER_NAMES,
    VARIABLES,
    clean_letter,
    variable_values,
)
from users.models import User

# Noncharacters, which nobody can type (users/typed_text.py), around the name of a variable.
TOKEN = re.compile("\ufffe([a-z_]+)\uffff")
TOKEN_START_IN_URL = "%EF%BF%BE"  # noqa: S105
ADDRESS = re.compile(r"[^@\s,;%]+@[^@\s,;%]+\.[^@\s,;%]+")
MAILTO_FIELDS = {"subject", "body"}
RULES = ["newline", "escape", "emphasis", "link"]
SHOWN_MAX = 60
MARKUP_HELP = (
    "An empty line starts a paragraph. **bold**, *italic*, [link text](https://example.com). "
    f"Placeholders: {PLACEHOLDER_NAMES}."
)
HTML_TAGS = {
    "strong_open": "<strong>",
    "strong_close": "</strong>",
    "em_open": "<em>",
    "em_close": "</em>",
    "link_close": "</a>",
    "softbreak": "<br>",
    "hardbreak": "<br>",
}


@dataclass(frozen=True)
class CompiledMarkup:
    """A text as plain text and as HTML, with tokens in place of placeholders."""

    plain: str
    html: str


def render_markup(text: str, account: User) -> tuple[str, SafeString]:
    """Returns markup as plain text and as HTML, for one recipient."""
    compiled = compile_letter(text, has_markup=True)
    values = variable_values(account)
    plain = TOKEN.sub(lambda match: values[match[1]], compiled.plain)
    html = TOKEN.sub(lambda match: escape(values[match[1]]), compiled.html)
    return plain, SafeString(html)


@lru_cache(maxsize=128)
def compile_letter(text: str, *, has_markup: bool) -> CompiledMarkup:
    """Returns the text of a letter as plain text and as HTML. Without markup it means no more
    than it says.
    """
    text = with_tokens(text)
    if not has_markup:
        return CompiledMarkup(text, linebreaks(text, autoescape=True))
    blocks = [block for block in PARSER.parse(text) if block.type == "inline"]
    plain = ["".join(plain_parts(block.children or [])) for block in blocks]
    html = [f"<p>{''.join(map(html_part, block.children or []))}</p>" for block in blocks]
    return CompiledMarkup("\n\n".join(plain), "\n".join(html))


def with_tokens(text: str) -> str:
    """Returns a text with tokens for its known placeholders."""

    def token(match: re.Match[str]) -> str:
        return value_token(match[1]) if match[1] in VARIABLES else match[0]

    return PLACEHOLDER.sub(token, text)


def value_token(name: str) -> str:
    return f"\ufffe{name}\uffff"


def html_part(token: Token) -> str:
    if token.type == "link_open":
        return f'<a href="{escape(token.attrGet("href"))}">'
    return HTML_TAGS.get(token.type) or escape(token.content)


def plain_parts(tokens: list[Token]) -> Iterator[str]:
    """Yields the text, with the target of each link behind it unless its text shows the target."""
    target = shown = ""
    for token in tokens:
        part = "\n" if token.type in ("softbreak", "hardbreak") else token.content
        shown += part
        yield part
        if token.type == "link_open":
            target = str(token.attrGet("href")).removeprefix("mailto:")
            shown = ""
        elif token.type == "link_close" and shown != target:
            yield f" ({target})"


def clean_announcement(subject: str, text: str) -> tuple[str, str]:
    """Returns subject and markup in the form that is stored. Raises ValidationError by field."""
    return clean_letter(subject, text, checks=[link_error])


def link_error(text: str) -> str:
    """Returns a sentence about the links that no email may have, or "". It names each of them."""
    links = list(typed_links(text))
    if any(TOKEN_START_IN_URL in link for link in links):
        return "The target of a link can’t contain a placeholder. Use the same target for everyone."
    bad = dict.fromkeys(link for link in links if not is_allowed_link(link))
    if not bad:
        return ""
    shown = ", ".join(f"“{link[:SHOWN_MAX]}”" for link in bad)
    return (
        "Links must start with https:// or http:// and a host name, or with mailto: and an email "
        f"address. Fix {shown}."
    )


def typed_links(text: str) -> Iterator[str]:
    """Yields the target of each link, allowed or not."""
    for block in CHECKER.parse(with_tokens(text)):
        for token in block.children or []:
            if token.type == "link_open":
                yield str(token.attrGet("href"))


def is_allowed_link(url: str) -> bool:
    """Returns True for http and https with a host and without a password, and for a mailto: with
    one address. All other schemes could run code or are unknown to mail clients.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if TOKEN_START_IN_URL in url:
        return False
    if parts.scheme == "mailto":
        fields = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        return bool(ADDRESS.fullmatch(parts.path)) and fields <= MAILTO_FIELDS
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def make_parser(link_check: Callable[[str], bool]) -> MarkdownIt:
    parser = MarkdownIt("zero").enable(RULES)
    parser.validateLink = link_check  # type: ignore[assignment]
    return parser


# A link that is not allowed stays the text that was typed.
PARSER = make_parser(is_allowed_link)
CHECKER = make_parser(lambda url: True)
