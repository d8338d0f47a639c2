"""Tables of names, places and domains for a random index: common entries appear in them often."""

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
    """A name in its forms. `latin` has only a to z, for usernames and addresses; `own` is the part
    of a username in another script, and empty for names in Latin script.
    """

    text: str
    latin: str
    search: str
    own: str


class Location(NamedTuple):
    """A place. `prefix` is the calling code, such as +49; `attributes` has eight JSON texts."""

    locale: str
    time_zone: str
    prefix: str
    attributes: list[str]


@dataclass(frozen=True)
class People:
    """The tables of one culture, of TABLE_SIZE entries each."""

    first_names: list[PersonName]
    last_names: list[PersonName]
    places: list[Location]


@cache
def people_tables() -> list[People]:
    tables = [culture_tables(culture) for culture in CULTURES]
    return spread_by_weight(tables, [culture.weight for culture in CULTURES])


def culture_tables(culture: Culture) -> People:
    return People(
        first_names=by_rank(list(map(parse_name, culture.first_names.split()))),
        last_names=by_rank(list(map(parse_name, culture.last_names.split()))),
        places=repeat_evenly(parse_locations(culture)),
    )


@cache
def email_domains() -> list[str]:
    """Returns domains for half of the accounts: some free mail providers, then many companies."""
    companies = [
        f"{first}{second}.example"
        for second in COMPANY_SECOND.split()
        for first in COMPANY_FIRST.split()
    ]
    return by_rank([*FREE_MAIL, *companies], flat=8, size=TABLE_SIZE * 8)


def parse_name(word: str) -> PersonName:
    text, _, given = word.replace("_", " ").partition(":")
    search = normalise_search_text(text)
    latin = given or "".join(filter(is_latin, search))
    own = "".join(fold_identifier(text).split()) if given else ""
    return PersonName(
        text=text,
        latin=latin,
        search=search,
        own=own,
    )


def is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


def parse_locations(culture: Culture) -> list[Location]:
    found = []
    for line in culture.places.split("|"):
        country, locale, time_zone, code = line.split()
        attributes = [f'{{"plan": "{plan}", "country": "{country}"}}' for plan in PLANS]
        found.append(Location(locale, time_zone, f"+{code}", attributes))
    return found


def by_rank(entries: list[TableEntry], flat: int = 3, size: int = TABLE_SIZE) -> list[TableEntry]:
    """Returns a table of `size` entries, the first most often (Zipf's law, flattened)."""
    return spread_by_weight(entries, [1 / (rank + flat) for rank in range(len(entries))], size)


def repeat_evenly(entries: list[TableEntry]) -> list[TableEntry]:
    return list(islice(cycle(entries), TABLE_SIZE))


def spread_by_weight(
    entries: list[TableEntry], weights: list[float], size: int = TABLE_SIZE
) -> list[TableEntry]:
    """Returns a table of `size` entries, each as often as its weight says."""
    total = sum(weights)
    reached = 0.0
    table: list[TableEntry] = []
    for entry, weight in zip(entries, weights, strict=True):
        reached += weight * size / total
        table += [entry] * (round(reached) - len(table))
    return table
