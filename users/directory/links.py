"""Links on a page of the directory: to other sort orders, pages and page sizes, to a letter or a
year, and to the list without one of its filters.
"""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from html import escape
from string import ascii_lowercase
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.safestring import SafeString

from users.directory import query
from users.directory.filter import PAGE_SIZES, Filter
from users.directory.filters import FILTERS
from users.directory.jump_years import NEWEST_FIRST
from users.web.icons import icon_svg

# Lists of links that a process remembers: one for each order and time zone.
JUMP_CACHE_SIZE = 256


@dataclass(frozen=True)
class Link:
    """A link. `url` is "" for a disabled one."""

    label: str
    url: str
    # The name of its icon and CSS class.
    name: str = ""
    # The value of its `rel` attribute.
    rel: str = ""


def sort_url(wanted: Filter, name: str) -> str:
    """Returns the URL of the list ordered by this column, reversed if it already is."""
    first, second = (f"-{name}", name) if name in NEWEST_FIRST else (name, f"-{name}")
    return wanted.with_sort(second if wanted.sort == first else first).url()


def aria_sort(wanted: Filter, name: str) -> str:
    """Returns the value of aria-sort; "" if the list is not ordered by this column."""
    return {name: "ascending", f"-{name}": "descending"}.get(wanted.sort, "")


def page_links(wanted: Filter, page: query.AccountPage) -> list[Link]:
    """Returns the links to the first, previous, next and last page."""
    first = wanted.url() if page.previous else ""
    previous = wanted.url(before=page.previous) if page.previous else ""
    following = wanted.url(after=page.next) if page.next else ""
    last = wanted.url(before=query.LAST_PAGE) if page.next else ""
    return [
        Link("First", first, name="first"),
        Link("Previous", previous, name="previous", rel="prev"),
        Link("Next", following, name="next", rel="next"),
        Link("Last", last, name="last"),
    ]


def page_buttons(links: list[Link]) -> SafeString:
    """Returns the links to pages as buttons.

    Built without a template, like all links of the pager: a third of the time of the template of
    the page went into their attributes.
    """
    return SafeString("".join(map(page_button, links)))


def page_button(link: Link) -> str:
    inner = f'{icon_svg(link.name)}<span class="word">{link.label}</span>'
    if not link.url:
        return f'<span class="button step-{link.name}" aria-hidden="true">{inner}</span>'
    url = escape(link.url)
    rel = f' rel="{link.rel}"' if link.rel else ""
    return (
        f'<a class="button step-{link.name}" href="{url}" hx-get="{url}" id="page-{link.name}"'
        f' data-page="{link.name}"{rel} title="{link.label}">{inner}</a>'
    )


def size_links(wanted: Filter) -> SafeString:
    """Returns a link for each page size, and the current one without a link."""
    query = escape(wanted.query)
    return SafeString("".join([size_link(wanted, size, query) for size in PAGE_SIZES]))


def size_link(wanted: Filter, size: int, query: str) -> str:
    if size == wanted.size:
        return f'<strong aria-current="true">{size}</strong>'
    return (
        f'<a id="size-{size}" href="{escape(wanted.with_size(size).url())}"'
        f' hx-post="/users/size/?{query}" hx-vals=\'{{"size": {size}}}\'>{size}</a>'
    )


def filter_chips(wanted: Filter) -> list[Link]:
    """Returns the active filters, each linked to the list without it."""
    search = [Link(f"“{wanted.q}”", wanted.without("q").url())] if wanted.q else []
    return search + [
        Link(chip_label(name, value), wanted.without(name).url())
        for name, value in wanted.values.items()
    ]


def chip_label(name: str, value: str) -> str:
    """Returns the text of one active filter."""
    words = FILTERS[name].describe(value)
    return words[:1].upper() + words[1:]


def jump_links(wanted: Filter, years: tuple[int, ...]) -> SafeString:
    """Returns the links to letters, or to these years, in the current order.

    Built without a template: as template code they took a tenth of the time of the page.
    """
    base = wanted.url()
    base += "&" if "?" in base else "?"
    cursors = jump_cursors(wanted.sort, years, timezone.get_current_timezone())
    links = [(escape(base + position), label) for label, position in cursors]
    anchors = [
        f'<a id="jump-{label}" href="{url}" hx-get="{url}">{label}</a>' for url, label in links
    ]
    return SafeString("".join(anchors))


@lru_cache(maxsize=JUMP_CACHE_SIZE)
def jump_cursors(sort: str, years: tuple[int, ...], zone: tzinfo) -> list[tuple[str, str]]:
    """Returns each label with the query string that leads to its first account.

    `years`: the labels when the list is ordered by a date; they begin in `zone`.
    """
    descending = sort.startswith("-")
    if sort.removeprefix("-") in NEWEST_FIRST:
        starts: list[tuple[str, object]] = [
            (str(start), datetime(start + descending, 1, 1, tzinfo=zone)) for start in years
        ]
    else:
        starts = [(letter.upper(), chr(ord(letter) + descending)) for letter in ascii_lowercase]
    ordered = starts[::-1] if descending else starts
    cursors = [(label, query.cursor_at(sort, value)) for label, value in ordered]
    return [(label, urlencode({"after": cursor})) for label, cursor in cursors]
