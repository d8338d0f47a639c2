"""The rows of the table, each a cached fragment of HTML.

Built without templates: as template code, fifty rows of eight cells took longer than the rest of
the page. The gain is measured as `rows-html` in docs/benchmarks.md. Every value that people typed
is passed through `escape` or `highlight`.
"""

from datetime import datetime
from functools import partial
from html import escape
from operator import attrgetter

from django.utils import timezone
from django.utils.safestring import SafeString

from users.caching.fragments import Fragment
from users.directory.columns import (
    COLUMNS,
    NAME_COLUMN,
    CellFunction,
    SearchWords,
    last_name_first,
    name_cell,
)
from users.directory.selection_bar import tick_value
from users.models import User
from users.typed_text import isolate_text

# The class and the content of each cell.
CellStyles = list[tuple[str, CellFunction]]


def account_rows(
    accounts: list[User],
    columns: tuple[str, ...],
    words: SearchWords = (),
    *,
    tickable: bool = True,
    last_first: bool = False,
) -> list[Fragment]:
    """Returns a `tr` for each account: a checkbox, the name, then `columns` (keys of COLUMNS).

    `last_first`: whether the list is in the order of last names, and shows them first.

    The key of a fragment holds the attributes that the row shows, so it stays cached until one of
    them changes.
    """
    now = timezone.localtime()
    chosen = [COLUMNS[name] for name in columns]
    cells: CellStyles = [(column.css, column.html) for column in chosen]
    attributes = [*NAME_COLUMN.shown_attributes]
    for column in chosen:
        attributes += column.shown_attributes
    shown = attrgetter(*dict.fromkeys(attributes))
    # One text, which is made once for all rows.
    kind = repr(("row", columns, words, now.date(), str(now.tzinfo), tickable, last_first))
    build = partial(
        row_html,
        cells=cells,
        words=words,
        now=now,
        tickable=tickable,
        last_first=last_first,
    )
    return [Fragment((kind, *shown(account)), partial(build, account)) for account in accounts]


def row_html(
    account: User,
    *,
    cells: CellStyles,
    words: SearchWords,
    now: datetime,
    tickable: bool,
    last_first: bool,
) -> SafeString:
    """Returns the `tr` of one account. The box stands in the first of its cells."""
    name = account.display_name
    box = tick_box(account, name) if tickable else ""
    link = name_cell(account, words, last_name_first(account, name) if last_first else name)
    rest = "".join([f'<td class="{css}">{cell(account, words, now)}</td>' for css, cell in cells])
    return SafeString(f'<tr><td class="{NAME_COLUMN.css}">{box}{link}</td>{rest}</tr>\n')


def tick_box(account: User, name: str) -> str:
    """Returns the box that selects the account. The form of the bar below the list sends it."""
    return (
        f'<label class="tick"><input type="checkbox" {tick_value(account.id)}'
        f' aria-label="Select {escape(isolate_text(name))}"></label>'
    )
