"""Where one can go from a page of the directory: other orders, other pages, a letter or a year, without a filter."""

from dataclasses import dataclass
from datetime import UTC, datetime
from string import ascii_lowercase

from users.directory import keyset
from users.directory.filter import SIZES, Filter
from users.directory.parameters import PARAMETERS


@dataclass(frozen=True)
class Link:
    """`url` is "" where there is nothing to go to; `detail` is what the template needs besides."""

    label: str
    url: str
    name: str = ""
    detail: str = ""


NEWEST_FIRST = {"joined", "seen"}
FIRST_YEAR = 2010


def turn(wanted: Filter, name: str) -> str:
    """The URL of the list ordered by this column; if it is already, in the other direction."""
    first, second = (f"-{name}", name) if name in NEWEST_FIRST else (name, f"-{name}")
    return wanted.ordered_by(second if wanted.sort == first else first).url()


def order(wanted: Filter, name: str) -> str:
    """The value of aria-sort; "" for the columns that the list is not ordered by."""
    return {name: "ascending", f"-{name}": "descending"}.get(wanted.sort, "")


def steps(wanted: Filter, page: keyset.Page) -> list[Link]:
    return [
        Link("First", wanted.url() if page.previous else "", "first"),
        Link("Previous", wanted.url(before=page.previous) if page.previous else "", "previous", "prev"),
        Link("Next", wanted.url(after=page.next) if page.next else "", "next", "next"),
        Link("Last", wanted.url(before=keyset.END) if page.next else "", "last"),
    ]


def sizes(wanted: Filter) -> list[Link]:
    return [Link(str(size), "" if size == wanted.size else wanted.sized(size).url()) for size in SIZES]


def chips(wanted: Filter) -> list[Link]:
    """The filters in force; following one takes it away."""
    search = [Link(f"“{wanted.q}”", wanted.without("q").url())] if wanted.q else []
    return search + [Link(chip_label(name, value), wanted.without(name).url()) for name, value in wanted.values.items()]


def chip_label(name: str, value: str) -> str:
    words = PARAMETERS[name].words(value)
    return words[:1].upper() + words[1:]


def jumps(wanted: Filter) -> list[Link]:
    """Letters or years, for the sorts that have them: cursors in front of the first account of each."""
    column, descending = wanted.sort.removeprefix("-"), wanted.sort.startswith("-")
    if column in NEWEST_FIRST:
        years = range(datetime.now(UTC).year, FIRST_YEAR - 1, -1)
        places: list[tuple[str, object]] = [(str(year), datetime(year + descending, 1, 1, tzinfo=UTC)) for year in years]
        places = places if descending else places[::-1]
    else:
        places = [(letter.upper(), chr(ord(letter) + descending)) for letter in ascii_lowercase]
        places = places[::-1] if descending else places
    return [Link(label, wanted.url(after=keyset.cursor_at(wanted.sort, value))) for label, value in places]
