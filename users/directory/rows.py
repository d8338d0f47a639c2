"""The rows of the table, each as one piece of HTML, kept from one page to the next.

As template code, fifty rows of eight cells cost more than everything else of the page together. Everything that comes
from people goes through `escape` or `highlight`.
"""

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString

from users.caching import rows as pieces
from users.directory.columns import COLUMNS
from users.directory.highlight import highlight
from users.models import User
from users.moments import stamp

Words = tuple[str, ...]
SHOWN = (
    "id", "username", "email", "first_name", "last_name", "phone", "is_staff", "is_superuser", "date_joined", "last_seen_at",
    "email_verified_at", "email_domain", "source", "source_id", "has_second_factor", "must_change_password",
)  # fmt: skip
NONE = "–"

# What a cell of each column holds. `words` are what the search found, in search form.
CELLS: dict[str, Callable[[User, Words, datetime], str]] = {
    "username": lambda account, words, now: highlight(account.username, words),
    "email": lambda account, words, now: highlight(account.email, words) or NONE,
    "status": lambda account, words, now: state(account),
    "joined": lambda account, words, now: stamp(account.date_joined, now),
    "seen": lambda account, words, now: stamp(account.last_seen_at, now) or "never",
    "phone": lambda account, words, now: highlight(account.phone, words) or NONE,
    "domain": lambda account, words, now: escape(account.email_domain) or NONE,
    "source": lambda account, words, now: escape(account.source) or NONE,
    "source_id": lambda account, words, now: escape(account.source_id) or NONE,
    "id": lambda account, words, now: str(account.pk),
    "verified": lambda account, words, now: yes_no(account.email_verified_at is not None),
    "mfa": lambda account, words, now: yes_no(account.has_second_factor),
    "must_change": lambda account, words, now: yes_no(account.must_change_password),
}


def rows(accounts: list[User], columns: tuple[str, ...], words: Words = ()) -> list[SafeString]:
    """A `tr` for each account: the name, then `columns` (keys of COLUMNS)."""
    now = timezone.localtime()
    cells = [(COLUMNS[name].css, CELLS[name]) for name in columns]
    kind = pieces.key("row", columns, words, now.date())
    keys = [pieces.key(kind, account.state.value, shown(account)) for account in accounts]
    return pieces.pieces(keys, lambda number: row(accounts[number], cells, words, now))


def shown(account: User) -> str:
    """Everything of the account that some cell shows: the row is the same as long as all of this is."""
    values = account.__dict__
    return "\x1f".join([str(values[name]) for name in SHOWN])


def row(account: User, cells: list, words: Words, now: datetime) -> SafeString:
    rest = "".join(f'<td class="{css}">{cell(account, words, now)}</td>' for css, cell in cells)
    return SafeString(f"<tr>{name(account, words)}{rest}</tr>\n")


def name(account: User, words: Words) -> str:
    """The first cell: a box to tick, the name as the link of the whole row, and on a phone the address below it."""
    shown = account.display_name
    tag = '<span class="tag">superuser</span>' if account.is_superuser else '<span class="tag">staff</span>'
    return (
        f'<td class="c-name"><label class="tick"><input type="checkbox" name="ids" value="{account.pk}" form="selection" '
        f'aria-label="Select {escape(shown)}"></label><a href="/users/{account.pk}/">{highlight(shown, words)}</a>'
        f"{tag if account.is_staff else ''}"
        f'<small class="under">{highlight(account.email or account.username, words)}</small></td>'
    )


def state(account: User) -> str:
    now = account.state
    return f'<span class="state {now.value}">{now.label}</span>'


def yes_no(value: bool) -> str:
    return "yes" if value else "no"
