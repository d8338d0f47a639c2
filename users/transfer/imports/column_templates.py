"""Templates that build a value from columns, e.g. "{GivenName|slug}.{Surname|slug}@x.example"."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from users.identifiers import normalise_search_text

PART_PATTERN = re.compile(r"\{([^{}|]+)((?:\|[^{}|]*)*)\}")
TextFilter = Callable[[str], str]


class BadTemplate(Exception):
    """A template cannot be parsed. The message says why."""


def slug_characters(value: str) -> str:
    """Returns the letters a to z, without accents, and the digits of `value`; nothing else."""
    folded = normalise_search_text(value)
    return "".join(char for char in folded if char.isascii() and char.isalnum())


def digit_characters(value: str) -> str:
    """Returns the digits 0 to 9 of `value`."""
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
    """A part of a template: the name of a column with filters, which are applied from left to
    right; or a literal text, without `filters`.
    """

    text: str
    filters: tuple[TextFilter, ...] | None = None

    def fill(self, values: dict[str, str]) -> str:
        """Returns the text of the part for one row."""
        if self.filters is None:
            return self.text
        value = values[self.text].strip()
        for apply in self.filters:
            value = apply(value)
        return value


class ColumnTemplate(NamedTuple):
    """A template: its text and its parts."""

    text: str
    parts: tuple[TemplatePart, ...]

    @classmethod
    def parse(cls, text: str) -> "ColumnTemplate":
        """Parses a template. Raises BadTemplate."""
        return cls(text, tuple(parse_parts(text)))

    @classmethod
    def column(cls, name: str) -> "ColumnTemplate":
        """Returns the template of one column without filters."""
        return cls(name, (TemplatePart(name, ()),))

    @property
    def is_column(self) -> bool:
        """Whether it is one column without filters."""
        return len(self.parts) == 1 and self.parts[0].filters == ()

    @property
    def columns(self) -> list[str]:
        """The names of the columns that the template reads."""
        return [part.text for part in self.parts if part.filters is not None]

    def fill(self, values: dict[str, str]) -> str:
        """Returns the value for one row. `values`: the untrimmed texts of the row by column."""
        return "".join(part.fill(values) for part in self.parts)


def parse_parts(text: str) -> Iterator[TemplatePart]:
    """Yields the parts of a template. Raises BadTemplate."""
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
    """Yields the text between two columns unless it is empty. Raises BadTemplate for a brace."""
    if "{" in text or "}" in text:
        raise BadTemplate("Each { needs a matching }, with the name of a column between them.")
    if text:
        yield TemplatePart(text)
