"""The cultures as tables that a random number indexes: common entries stand in them often."""

from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from typing import NamedTuple, TypeVar

from users.demo.cultures import COMPANY_FIRST, COMPANY_SECOND, CULTURES, FREE_MAIL, Culture
from users.identifiers import fold, search_form

Entry = TypeVar("Entry")
BITS = 10
SIZE = 1 << BITS
PLANS = ["free", "free", "free", "free", "plus", "plus", "business", "enterprise"]


class Name(NamedTuple):
    text: str
    latin: str  # a to z: for usernames and addresses
    search: str
    own: str  # as part of a username in its own script; "" if that is Latin


class Place(NamedTuple):
    locale: str
    time_zone: str
    prefix: str  # +49
    attributes: list[str]  # JSON, eight of them


@dataclass(frozen=True)
class People:
    """One culture: `SIZE` entries in each table."""

    first_names: list[Name]
    last_names: list[Name]
    places: list[Place]


@cache
def peoples() -> list[People]:
    tables = [
        People(
            by_rank([name(word) for word in culture.first_names.split()]),
            by_rank([name(word) for word in culture.last_names.split()]),
            evenly(places(culture)),
        )
        for culture in CULTURES
    ]
    return spread(tables, [culture.weight for culture in CULTURES])


@cache
def domains() -> list[str]:
    """Where the other half has its address: some free mail, then a long tail of companies."""
    companies = [
        f"{first}{second}.example"
        for second in COMPANY_SECOND.split()
        for first in COMPANY_FIRST.split()
    ]
    return by_rank([*FREE_MAIL, *companies], flat=8, size=SIZE * 8)


def name(word: str) -> Name:
    text, _, given = word.replace("_", " ").partition(":")
    latin = given or "".join(
        char for char in search_form(text) if char.isascii() and char.isalnum()
    )
    own = "".join(fold(text).split()) if given else ""
    return Name(text, latin, search_form(text), own)


def places(culture: Culture) -> list[Place]:
    found = []
    for line in culture.places.split("|"):
        country, locale, time_zone, code = line.split()
        found.append(
            Place(
                locale,
                time_zone,
                f"+{code}",
                [f'{{"plan": "{plan}", "country": "{country}"}}' for plan in PLANS],
            )
        )
    return found


def by_rank(entries: list[Entry], flat: int = 3, size: int = SIZE) -> list[Entry]:
    """`size` entries, the first most often (Zipf's law, flattened)."""
    return spread(entries, [1 / (rank + flat) for rank in range(len(entries))], size)


def evenly(entries: list[Entry]) -> list[Entry]:
    return list(islice(cycle(entries), SIZE))


def spread(entries: list[Entry], weights: list[float], size: int = SIZE) -> list[Entry]:
    """`size` entries, each as often as its weight says, and at least once where there is room."""
    total = sum(weights)
    reached = 0.0
    table: list[Entry] = []
    for entry, weight in zip(entries, weights, strict=True):
        reached += weight * size / total
        table += [entry] * (round(reached) - len(table))
    return table
