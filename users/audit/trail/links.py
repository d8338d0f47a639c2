"""Chips and links on the pages of the trail."""

from dataclasses import dataclass

from users.audit.trail.accounts import account_names
from users.audit.trail.filter import ACCOUNT_FILTERS, LAST_PAGE, TrailFilter
from users.audit.trail.finder import TrailPage
from users.audit.trail.specs import TRAIL_FILTERS
from users.typed_text import isolate_text

Names = dict[str, str]


@dataclass(frozen=True)
class TrailLink:
    """A link. `url` is "" for a page that does not exist."""

    label: str
    url: str
    # The name of its icon.
    name: str = ""
    rel: str = ""


def filter_names(wanted: TrailFilter) -> Names:
    """Returns the usernames of the accounts in a filter, by ID."""
    ids = {wanted.values[name] for name in ACCOUNT_FILTERS if name in wanted.values}
    return account_names(ids, masked=wanted.masked) if ids else {}


def trail_chips(wanted: TrailFilter, names: Names) -> list[TrailLink]:
    """Returns the active filters, each linked to the list without it."""
    return [
        TrailLink(
            trail_chip_label(name, value, names),
            wanted.without(name).url(),
        )
        for name, value in wanted.values.items()
    ]


def trail_chip_label(name: str, value: str, names: Names) -> str:
    if name in ACCOUNT_FILTERS:
        shown = names.get(value, f"account {value}")
        return f"{TRAIL_FILTERS[name].label}: {isolate_text(shown)}"
    return TRAIL_FILTERS[name].describe(value)


def trail_pages(wanted: TrailFilter, page: TrailPage) -> list[TrailLink]:
    """Returns the links to the newest, newer, older and oldest page."""
    newest = "" if page.is_first else wanted.url()
    newer = wanted.url(before=page.newer) if page.newer else ""
    older = wanted.url(after=page.older) if page.older else ""
    oldest = wanted.url(before=LAST_PAGE) if page.older else ""
    return [
        TrailLink("Newest", newest, "first"),
        TrailLink("Newer", newer, "previous", "prev"),
        TrailLink("Older", older, "next", "next"),
        TrailLink("Oldest", oldest, "last"),
    ]
