"""The columns of the table: which there are, which a person has chosen, and their heads."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from django.utils.safestring import SafeString

from users.directory.filter import REVEALING_SORTS, Filter
from users.directory.links import aria_sort, sort_url
from users.web.icons import icon_svg


@dataclass(frozen=True)
class Column:
    """`sort` is "" where the list can't be ordered by it. `css` gives the width and where the
    column is left out.
    """

    name: str
    label: str
    css: str
    sort: str = ""


NAME_COLUMN = Column("name", "Name", "c-name", "name")
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
DEFAULT_COLUMNS = ("username", "email", "status", "joined", "seen")
TICK_ALL_HTML = '<label class="tick scripts"><input type="checkbox" id="tick-page" aria-label="Select all on this page"></label>'
MANY_COLUMNS = 7  # with more beside the name, the table scrolls sideways


def known_columns(names: object) -> tuple[str, ...]:
    """Of what was stored once, the columns that there still are, each once."""
    names = names if isinstance(names, list) else DEFAULT_COLUMNS
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name in COLUMNS))


def table_heads(wanted: Filter, names: Iterable[str] = DEFAULT_COLUMNS) -> SafeString:
    """A `th` for the name and each of `names`; a sortable one leads to its order, and from there to
    the opposite one.
    """
    name, *others = [
        column_head(wanted, column) for column in (NAME_COLUMN, *(COLUMNS[name] for name in names))
    ]
    return SafeString("".join([name.replace(">", f">{TICK_ALL_HTML}", 1), *others]))


def column_head(wanted: Filter, column: Column) -> str:
    """By hand: as template code, six of them took as long as twenty rows."""
    label = column.label
    sort = "" if wanted.masked and column.sort in REVEALING_SORTS else column.sort
    direction = aria_sort(wanted, sort) if sort else ""
    if sort:
        url = escape(sort_url(wanted, sort))
        arrow = icon_svg(direction) if direction else ""
        label = f'<a href="{url}" hx-get="{url}">{label}{arrow}</a>'
    sorted_by = f' aria-sort="{direction}"' if direction else ""
    return f'<th scope="col" class="{column.css}"{sorted_by}>{label}</th>'


def table_class(names: tuple[str, ...]) -> str:
    """The class of a table with other columns than the default ones."""
    if set(names) == set(DEFAULT_COLUMNS):
        return ""
    return "chosen many" if len(names) > MANY_COLUMNS else "chosen"
