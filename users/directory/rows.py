"""The rows of the table, each as one piece of HTML, kept from one page to the next.

As template code, fifty rows of eight cells cost more than everything else of the page together.
Everything that comes from people goes through `escape` or `highlight`.

This has a price tag: `rows-html` in docs/benchmarks.md.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from html import escape
from operator import attrgetter
from typing import NamedTuple

from django.utils import timezone
from django.utils.safestring import SafeString

from users.caching.fragments import Fragment
from users.directory.columns import COLUMNS
from users.directory.highlight import highlight
from users.models import State, User
from users.web.time_html import short_time_html

SearchWords = tuple[str, ...]
EMPTY_CELL = "–"
STATE_HTML = {
    state: f'<span class="state {state.value}">{state.label}</span>' for state in State
}  # an enum's label takes time


class Cell(NamedTuple):
    """What a column shows of an account: `html` of nothing but `fields`. The words are what a
    search found.
    """

    fields: tuple[str, ...]
    html: Callable[[User, SearchWords, datetime], str]


NAME_CELL_FIELDS = (
    "id",
    "username",
    "email",
    "first_name",
    "last_name",
    "is_staff",
    "is_superuser",
)  # what `name` shows
CELLS = {
    "username": Cell(("username",), lambda account, words, now: highlight(account.username, words)),
    "email": Cell(
        ("email",), lambda account, words, now: highlight(account.email, words) or EMPTY_CELL
    ),
    "status": Cell(("state",), lambda account, words, now: STATE_HTML[account.state]),
    "joined": Cell(
        ("date_joined",), lambda account, words, now: short_time_html(account.date_joined, now)
    ),
    "seen": Cell(
        ("last_seen_at",),
        lambda account, words, now: short_time_html(account.last_seen_at, now) or "never",
    ),
    "phone": Cell(
        ("phone",), lambda account, words, now: highlight(account.phone, words) or EMPTY_CELL
    ),
    "domain": Cell(
        ("email_domain",), lambda account, words, now: escape(account.email_domain) or EMPTY_CELL
    ),
    "source": Cell(("source",), lambda account, words, now: escape(account.source) or EMPTY_CELL),
    "source_id": Cell(
        ("source_id",), lambda account, words, now: escape(account.source_id) or EMPTY_CELL
    ),
    "id": Cell(("id",), lambda account, words, now: str(account.id)),
    "verified": Cell(
        ("email_verified_at",),
        lambda account, words, now: yes_no(account.email_verified_at is not None),
    ),
    "mfa": Cell(
        ("has_second_factor",), lambda account, words, now: yes_no(account.has_second_factor)
    ),
    "must_change": Cell(
        ("must_change_password",), lambda account, words, now: yes_no(account.must_change_password)
    ),
}


def account_rows(
    accounts: list[User], columns: tuple[str, ...], words: SearchWords = ()
) -> list[Fragment]:
    """A `tr` for each account: the name, then `columns` (keys of COLUMNS). A row is the same as
    long as all fields are that it shows.
    """
    now = timezone.localtime()
    cells = [(COLUMNS[name].css, CELLS[name].html) for name in columns]
    shown = attrgetter(
        *NAME_CELL_FIELDS, *(field for name in columns for field in CELLS[name].fields)
    )
    kind = ("row", columns, words, now.date())
    return [
        Fragment((*kind, *shown(account)), partial(row_html, account, cells, words, now))
        for account in accounts
    ]


def row_html(account: User, cells: list, words: SearchWords, now: datetime) -> SafeString:
    rest = "".join([f'<td class="{css}">{cell(account, words, now)}</td>' for css, cell in cells])
    return SafeString(f"<tr>{name_cell(account, words)}{rest}</tr>\n")


def name_cell(account: User, words: SearchWords) -> str:
    """The first cell: a box to tick, the name as the link of the whole row, and on a phone the
    address below it.
    """
    shown = account.display_name
    escaped = escape(shown)
    tag = (
        '<span class="tag">superuser</span>'
        if account.is_superuser
        else '<span class="tag">staff</span>'
    )
    return (
        f'<td class="c-name"><label class="tick"><input type="checkbox" name="ids" value="{account.id}" form="selection" '
        f'aria-label="Select {escaped}"></label><a href="/users/{account.id}/">'
        f"{highlight(shown, words) if words else escaped}</a>"
        f"{tag if account.is_staff else ''}"
        f'<small class="under">{highlight(account.email or account.username, words)}</small></td>'
    )


def yes_no(value: bool) -> str:
    return "yes" if value else "no"
