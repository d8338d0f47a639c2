"""The columns of the table: which there are, which a person has chosen, and their heads."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from django.utils.safestring import SafeString

from users.directory.filter import REVEALING, Filter
from users.directory.links import order, turn
from users.web.icons import icon


@dataclass(frozen=True)
class Column:
    """`sort` is "" where the list can't be ordered by it. `css` gives the width and where the
    column is left out.
    """

    name: str
    label: str
    css: str
    sort: str = ""


NAME = Column("name", "Name", "c-name", "name")
# What can be chosen; the name always stands first. What a cell of each holds is in rows.py.
COLUMNS = {
    column.name: column
    for column in [
        Column("username", "Username", "c-username", "username"),
        Column("email", "Email", "c-email", "email"),
        Column("status", "Status", "c-state"),
        Column("joined", "Joined", "c-date c-joined", "joined"),
        Column("seen", "Last seen", "c-date", "seen"),
        Column("phone", "Phone", "c-more c-phone"),
        Column("domain", "Domain", "c-more c-text"),
        Column("source", "Source", "c-more c-source"),
        Column("source_id", "Source ID", "c-more c-text"),
        Column("id", "ID", "c-more c-id"),
        Column("verified", "Verified", "c-more c-flag"),
        Column("mfa", "Second factor", "c-more c-flag"),
        Column("must_change", "Must change password", "c-more c-text"),
    ]
}
DEFAULT = ("username", "email", "status", "joined", "seen")
TICK_ALL = '<label class="tick scripts"><input type="checkbox" id="tick-page" aria-label="Select all on this page"></label>'
MANY = 7  # with more beside the name, the table scrolls sideways


def known(names: object) -> tuple[str, ...]:
    """Of what was stored once, the columns that there still are, each once."""
    names = names if isinstance(names, list) else DEFAULT
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name in COLUMNS))


def heads(wanted: Filter, names: Iterable[str] = DEFAULT) -> SafeString:
    """A `th` for the name and each of `names`; a sortable one leads to its order, and from there to
    the opposite one.
    """
    name, *others = [head(wanted, column) for column in (NAME, *(COLUMNS[name] for name in names))]
    return SafeString("".join([name.replace(">", f">{TICK_ALL}", 1), *others]))


def head(wanted: Filter, column: Column) -> str:
    """By hand: as template code, six of them took as long as twenty rows."""
    label = column.label
    sort = "" if wanted.masked and column.sort in REVEALING else column.sort
    direction = order(wanted, sort) if sort else ""
    if sort:
        url = escape(turn(wanted, sort))
        arrow = icon(direction) if direction else ""
        label = f'<a href="{url}" hx-get="{url}">{label}{arrow}</a>'
    sorted_by = f' aria-sort="{direction}"' if direction else ""
    return f'<th scope="col" class="{column.css}"{sorted_by}>{label}</th>'


def layout(names: tuple[str, ...]) -> str:
    """The class of a table with other columns than the default ones."""
    if set(names) == set(DEFAULT):
        return ""
    return "chosen many" if len(names) > MANY else "chosen"
