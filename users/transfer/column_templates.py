"""Values made from columns: "{GivenName|slug}.{Surname|slug}@example.com"."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from users.identifiers import normalise_search_text

PART_PATTERN = re.compile(r"\{([^{}|]+)((?:\|[^{}|]*)*)\}")
TextFilter = Callable[[str], str]


class BadTemplate(Exception):
    """The message says what is wrong with it."""


def slug_characters(value: str) -> str:
    """Only a to z and 0 to 9; accents go, other scripts vanish."""
    return "".join(
        char for char in normalise_search_text(value) if char.isascii() and char.isalnum()
    )


def digit_characters(value: str) -> str:
    return "".join(char for char in value if char.isascii() and char.isdigit())


TEXT_FILTERS: dict[str, TextFilter] = {
    "slug": slug_characters,
    "digits": digit_characters,
    "lower": str.lower,
    "upper": str.upper,
    "first": lambda value: value[:1],
    "last4": lambda value: value[-4:],
}


class TemplatePart(NamedTuple):
    """A column with its filters, applied from left to right; or, without filters at all (None), a
    text as it is.
    """

    text: str
    filters: tuple[TextFilter, ...] | None = None

    def fill(self, values: dict[str, str]) -> str:
        if self.filters is None:
            return self.text
        value = values[self.text].strip()
        for apply in self.filters:
            value = apply(value)
        return value


class ColumnTemplate(NamedTuple):
    text: str
    parts: tuple[TemplatePart, ...]

    @classmethod
    def parse(cls, text: str) -> "ColumnTemplate":
        """Raises BadTemplate."""
        return cls(text, tuple(parse_parts(text)))

    @classmethod
    def column(cls, name: str) -> "ColumnTemplate":
        return cls(name, (TemplatePart(name, ()),))

    @property
    def columns(self) -> list[str]:
        return [part.text for part in self.parts if part.filters is not None]

    def fill(self, values: dict[str, str]) -> str:
        """`values`: the row's text by column; each is trimmed first."""
        return "".join(part.fill(values) for part in self.parts)


def parse_parts(text: str) -> Iterator[TemplatePart]:
    position = 0
    for match in PART_PATTERN.finditer(text):
        yield from literal_part(text[position : match.start()])
        position = match.end()
        names = [name.strip() for name in match[2].split("|")[1:]]
        for name in names:
            if name not in TEXT_FILTERS:
                raise BadTemplate(
                    f"There is no filter “{name}”. The filters are: {', '.join(TEXT_FILTERS)}."
                )
        yield TemplatePart(match[1].strip(), tuple(TEXT_FILTERS[name] for name in names))
    yield from literal_part(text[position:])


def literal_part(text: str) -> Iterator[TemplatePart]:
    if "{" in text or "}" in text:
        raise BadTemplate("Each { needs a matching }, with the name of a column between them.")
    if text:
        yield TemplatePart(text)
