"""The cultures as tables that a random number indexes: common entries stand in them often."""

from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from typing import NamedTuple, TypeVar

from users.demo.name_lists import COMPANY_FIRST, COMPANY_SECOND, CULTURES, FREE_MAIL, Culture
from users.identifiers import fold_identifier, normalise_search_text

TableEntry = TypeVar("TableEntry")
BITS = 10
TABLE_SIZE = 1 << BITS
PLANS = ["free", "free", "free", "free", "plus", "plus", "business", "enterprise"]


class PersonName(NamedTuple):
    text: str
    latin: str  # a to z: for usernames and addresses
    search: str
    own: str  # as part of a username in its own script; "" if that is Latin


class Location(NamedTuple):
    locale: str
    time_zone: str
    prefix: str  # +49
    attributes: list[str]  # JSON, eight of them


@dataclass(frozen=True)
class People:
    """One culture: `SIZE` entries in each table."""

    first_names: list[PersonName]
    last_names: list[PersonName]
    places: list[Location]


@cache
def people_tables() -> list[People]:
    tables = [
        People(
            by_rank([parse_name(word) for word in culture.first_names.split()]),
            by_rank([parse_name(word) for word in culture.last_names.split()]),
            repeat_evenly(parse_locations(culture)),
        )
        for culture in CULTURES
    ]
    return spread_by_weight(tables, [culture.weight for culture in CULTURES])


@cache
def email_domains() -> list[str]:
    """Where the other half has its address: some free mail, then a long tail of companies."""
    companies = [
        f"{first}{second}.example"
        for second in COMPANY_SECOND.split()
        for first in COMPANY_FIRST.split()
    ]
    return by_rank([*FREE_MAIL, *companies], flat=8, size=TABLE_SIZE * 8)


def parse_name(word: str) -> PersonName:
    text, _, given = word.replace("_", " ").partition(":")
    latin = given or "".join(
        char for char in normalise_search_text(text) if char.isascii() and char.isalnum()
    )
    own = "".join(fold_identifier(text).split()) if given else ""
    return PersonName(text, latin, normalise_search_text(text), own)


def parse_locations(culture: Culture) -> list[Location]:
    found = []
    for line in culture.places.split("|"):
        country, locale, time_zone, code = line.split()
        found.append(
            Location(
                locale,
                time_zone,
                f"+{code}",
                [f'{{"plan": "{plan}", "country": "{country}"}}' for plan in PLANS],
            )
        )
    return found


def by_rank(entries: list[TableEntry], flat: int = 3, size: int = TABLE_SIZE) -> list[TableEntry]:
    """`size` entries, the first most often (Zipf's law, flattened)."""
    return spread_by_weight(entries, [1 / (rank + flat) for rank in range(len(entries))], size)


def repeat_evenly(entries: list[TableEntry]) -> list[TableEntry]:
    return list(islice(cycle(entries), TABLE_SIZE))


def spread_by_weight(
    entries: list[TableEntry], weights: list[float], size: int = TABLE_SIZE
) -> list[TableEntry]:
    """`size` entries, each as often as its weight says, and at least once where there is room."""
    total = sum(weights)
    reached = 0.0
    table: list[TableEntry] = []
    for entry, weight in zip(entries, weights, strict=True):
        reached += weight * size / total
        table += [entry] * (round(reached) - len(table))
    return table
