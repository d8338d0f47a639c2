"""The columns of the table: which there are, which a person has chosen, and their heads."""

from collections.abc import Iterable
from dataclasses import dataclass

from users.directory.filter import REVEALING, Filter
from users.directory.links import order, turn


@dataclass(frozen=True)
class Column:
    """`sort` is "" where the list can't be ordered by it. `css` gives the width and where the column is left out."""

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
        Column("source_id", "Source id", "c-more c-text"),
        Column("id", "Id", "c-more c-id"),
        Column("verified", "Verified", "c-more c-flag"),
        Column("mfa", "Second factor", "c-more c-flag"),
        Column("must_change", "Must change", "c-more c-flag"),
    ]
}
DEFAULT = ("username", "email", "status", "joined", "seen")
MANY = 7  # with more beside the name, the table scrolls sideways


def known(names: object) -> tuple[str, ...]:
    """Of what was stored once, the columns that there still are, each once."""
    names = names if isinstance(names, list) else DEFAULT
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name in COLUMNS))


def heads(wanted: Filter, names: Iterable[str] = DEFAULT) -> list[dict[str, str]]:
    """Each sortable head leads to its order, and from there to the opposite one."""
    return [head(wanted, column) for column in (NAME, *(COLUMNS[name] for name in names))]


def head(wanted: Filter, column: Column) -> dict[str, str]:
    sort = "" if wanted.masked and column.sort in REVEALING else column.sort
    url, direction = (turn(wanted, sort), order(wanted, sort)) if sort else ("", "")
    return {"name": column.name, "label": column.label, "css": column.css, "url": url, "sort": direction}


def layout(names: tuple[str, ...]) -> str:
    """The class of a table with other columns than the default ones."""
    if set(names) == set(DEFAULT):
        return ""
    return "chosen many" if len(names) > MANY else "chosen"
