"""Where one can go from a page of the directory: other orders, other pages, a letter or a year,
without a filter.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from html import escape
from string import ascii_lowercase
from urllib.parse import urlencode

from django.utils.safestring import SafeString

from users.directory import query
from users.directory.filter import PAGE_SIZES, Filter
from users.directory.filters import FILTERS


@dataclass(frozen=True)
class Link:
    """`url` is "" where there is nothing to go to; `detail` is what the template needs besides."""

    label: str
    url: str
    name: str = ""
    detail: str = ""


NEWEST_FIRST = {"joined", "seen"}
FIRST_YEAR = 2010


def sort_url(wanted: Filter, name: str) -> str:
    """The URL of the list ordered by this column; if it is already, in the other direction."""
    first, second = (f"-{name}", name) if name in NEWEST_FIRST else (name, f"-{name}")
    return wanted.ordered_by(second if wanted.sort == first else first).url()


def aria_sort(wanted: Filter, name: str) -> str:
    """The value of aria-sort; "" for the columns that the list is not ordered by."""
    return {name: "ascending", f"-{name}": "descending"}.get(wanted.sort, "")


def page_links(wanted: Filter, page: query.AccountPage) -> list[Link]:
    return [
        Link("First", wanted.url() if page.previous else "", "first"),
        Link(
            "Previous",
            wanted.url(before=page.previous) if page.previous else "",
            "previous",
            "prev",
        ),
        Link("Next", wanted.url(after=page.next) if page.next else "", "next", "next"),
        Link("Last", wanted.url(before=query.LAST_PAGE) if page.next else "", "last"),
    ]


def size_links(wanted: Filter) -> list[Link]:
    return [
        Link(str(size), "" if size == wanted.size else wanted.sized(size).url())
        for size in PAGE_SIZES
    ]


def filter_chips(wanted: Filter) -> list[Link]:
    """The filters in force; following one takes it away."""
    search = [Link(f"“{wanted.q}”", wanted.without("q").url())] if wanted.q else []
    return search + [
        Link(chip_label(name, value), wanted.without(name).url())
        for name, value in wanted.values.items()
    ]


def chip_label(name: str, value: str) -> str:
    words = FILTERS[name].describe(value)
    return words[:1].upper() + words[1:]


def jump_links(wanted: Filter) -> SafeString:
    """Links to letters or years, for the sorts that have them. By hand: as template code they took
    a tenth of the page.
    """
    base = wanted.url()
    base += "&" if "?" in base else "?"
    links = [
        (escape(base + position), label)
        for label, position in jump_cursors(wanted.sort, datetime.now(UTC).year)
    ]
    return SafeString(
        "".join([f'<a href="{url}" hx-get="{url}">{label}</a>' for url, label in links])
    )


@cache
def jump_cursors(sort: str, year: int) -> list[tuple[str, str]]:
    """Labels, and positions in front of the first account of each; `year` is the last of those that
    can be jumped to.
    """
    descending = sort.startswith("-")
    if sort.removeprefix("-") in NEWEST_FIRST:
        starts: list[tuple[str, object]] = [
            (str(start), datetime(start + descending, 1, 1, tzinfo=UTC))
            for start in range(FIRST_YEAR, year + 1)
        ]
    else:
        starts = [(letter.upper(), chr(ord(letter) + descending)) for letter in ascii_lowercase]
    ordered = starts[::-1] if descending else starts
    return [(label, urlencode({"after": query.cursor_at(sort, value)})) for label, value in ordered]
