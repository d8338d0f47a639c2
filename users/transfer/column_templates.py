"""Values made from columns: "{GivenName|slug}.{Surname|slug}@example.com"."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from users.identifiers import search_form

PART = re.compile(r"\{([^{}|]+)((?:\|[^{}|]*)*)\}")
Filter = Callable[[str], str]


class BadTemplate(Exception):
    """The message says what is wrong with it."""


def slug(value: str) -> str:
    """Only a to z and 0 to 9; accents go, other scripts vanish."""
    return "".join(char for char in search_form(value) if char.isascii() and char.isalnum())


def digits(value: str) -> str:
    return "".join(char for char in value if char.isascii() and char.isdigit())


FILTERS: dict[str, Filter] = {
    "slug": slug,
    "digits": digits,
    "lower": str.lower,
    "upper": str.upper,
    "first": lambda value: value[:1],
    "last4": lambda value: value[-4:],
}


class Part(NamedTuple):
    """A column with its filters, applied from left to right; or, without filters at all (None), a
    text as it is.
    """

    text: str
    filters: tuple[Filter, ...] | None = None

    def fill(self, values: dict[str, str]) -> str:
        if self.filters is None:
            return self.text
        value = values[self.text].strip()
        for apply in self.filters:
            value = apply(value)
        return value


class Template(NamedTuple):
    text: str
    parts: tuple[Part, ...]

    @classmethod
    def parse(cls, text: str) -> "Template":
        """Raises BadTemplate."""
        return cls(text, tuple(pieces(text)))

    @classmethod
    def column(cls, name: str) -> "Template":
        return cls(name, (Part(name, ()),))

    @property
    def columns(self) -> list[str]:
        return [part.text for part in self.parts if part.filters is not None]

    def fill(self, values: dict[str, str]) -> str:
        """`values`: the row's text by column; each is trimmed first."""
        return "".join(part.fill(values) for part in self.parts)


def pieces(text: str) -> Iterator[Part]:
    position = 0
    for match in PART.finditer(text):
        yield from literal(text[position : match.start()])
        position = match.end()
        names = [name.strip() for name in match[2].split("|")[1:]]
        for name in names:
            if name not in FILTERS:
                raise BadTemplate(
                    f"There is no filter “{name}”. The filters are: {', '.join(FILTERS)}."
                )
        yield Part(match[1].strip(), tuple(FILTERS[name] for name in names))
    yield from literal(text[position:])


def literal(text: str) -> Iterator[Part]:
    if "{" in text or "}" in text:
        raise BadTemplate("Each { needs a matching }, with the name of a column between them.")
    if text:
        yield Part(text)
