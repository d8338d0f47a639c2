"""The columns of the directory: heading, sort order, width, cell and exported values.

The list, its headings, the column settings and exports all read these declarations. A new column
is one declaration here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from users.directory.highlight import breakable_address, highlight
from users.fields import NO_VALUE, field_label
from users.models import State, User
from users.phone_numbers import format_phone
from users.web.time_html import short_time_html

SearchWords = tuple[str, ...]
CellFunction = Callable[[User, SearchWords, datetime], str]
# Built once, because reading the label of an enum is slow.
STATE_HTML = {state: f'<span class="state {state.value}">{state.label}</span>' for state in State}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the directory."""

    name: str
    label: str
    # The classes that set the width and hide the column on narrow screens.
    css: str
    # Returns the content of a cell from the account, the words of the search and the current time.
    # It reads only the attributes in `shown`: a row stays cached while these are equal.
    html: CellFunction
    # The columns of the database that the cell and the export need.
    fields: tuple[str, ...]
    # The attributes that the cell depends on, if they are not `fields`.
    shown: tuple[str, ...] = ()
    # The sort order that the heading links to; "" for none.
    sort: str = ""
    # The columns of the database that the export needs, if not `fields`.
    exported: tuple[str, ...] = ()
    # The headings in an exported file, if not `name`.
    headings: tuple[str, ...] = ()
    # Returns the values in an exported file, if not the first of `fields`.
    values: Callable[[User], tuple[Any, ...]] | None = None

    @property
    def shown_attributes(self) -> tuple[str, ...]:
        """The attributes of an account that a cell depends on."""
        return self.shown or self.fields

    @property
    def export_headings(self) -> tuple[str, ...]:
        """The headings of the column in an exported file."""
        return self.headings or (self.name,)

    @property
    def export_values(self) -> Callable[[User], tuple[Any, ...]]:
        """The function that returns the values for one row of an exported file."""
        field = self.fields[0]
        return self.values or (lambda account: (account.__dict__[field],))


def yes_no(value: bool) -> str:
    return "Yes" if value else "No"


def last_name_first(account: User, name: str) -> str:
    """Returns a name such as "Adams, William"; `name` if the account lacks a first or last name."""
    if account.first_name and account.last_name:
        return f"{account.last_name}, {account.first_name}"
    return name


def name_cell(account: User, words: SearchWords, name: str) -> str:
    """Returns the content of the first cell: `name` as the link of the row, and the address, which
    only narrow screens show.
    """
    shown = highlight(name, words)
    address = account.email or account.username
    tag = ""
    if account.is_superuser:
        tag = '<span class="tag">superuser</span>'
    elif account.owner_id:
        tag = '<span class="tag">service</span>'
    elif account.is_staff:
        tag = '<span class="tag">staff</span>'
    return (
        f'<a href="/users/{account.id}/">{shown}</a>{tag}'
        f'<small class="under">{breakable_address(address, words)}</small>'
    )


def phone_cell(account: User, words: SearchWords, now: datetime) -> str:
    """Returns a cell with a phone number: in groups, unless a search has found a part."""
    phone = account.phone
    if any(word in phone for word in words):
        return highlight(phone, words)
    return escape(format_phone(phone)) or NO_VALUE


NAME_COLUMN = Column(
    name="name",
    label="Name",
    css="c-name",
    html=lambda account, words, now: name_cell(account, words, account.display_name),
    fields=(
        "id",
        "username",
        "email",
        "first_name",
        "last_name",
        "is_staff",
        "is_superuser",
        "owner_id",
    ),
    sort="name",
    exported=("first_name", "last_name"),
    headings=("first_name", "last_name"),
    values=lambda account: (account.first_name, account.last_name),
)
# The columns that people can choose. The name is always shown, and first.
OPTIONAL_COLUMNS = (
    Column(
        name="username",
        label=field_label("username"),
        css="c-username",
        html=lambda account, words, now: highlight(account.username, words),
        fields=("username",),
        sort="username",
    ),
    Column(
        name="email",
        label=field_label("email"),
        css="c-email",
        html=lambda account, words, now: highlight(account.email, words) or NO_VALUE,
        fields=("email",),
        sort="email",
    ),
    Column(
        name="status",
        label=field_label("status"),
        css="c-state",
        html=lambda account, words, now: STATE_HTML[account.state],
        fields=("status", "suspended_until", "valid_until"),
        shown=("state",),
        values=lambda account: (account.state.value,),
    ),
    Column(
        name="joined",
        label=field_label("date_joined"),
        css="c-date c-joined",
        html=lambda account, words, now: short_time_html(account.date_joined, now),
        fields=("date_joined",),
        sort="joined",
    ),
    Column(
        name="seen",
        label=field_label("last_seen_at"),
        css="c-date c-seen",
        html=lambda account, words, now: short_time_html(account.last_seen_at, now) or NO_VALUE,
        fields=("last_seen_at",),
        sort="seen",
        headings=("last_seen",),
    ),
    Column(
        name="phone",
        label=field_label("phone"),
        css="c-more c-phone",
        html=phone_cell,
        fields=("phone",),
    ),
    Column(
        name="domain",
        label="Domain",
        css="c-more c-text",
        html=lambda account, words, now: escape(account.email_domain) or NO_VALUE,
        fields=("email_domain",),
    ),
    Column(
        name="source",
        label=field_label("source"),
        css="c-more c-source",
        html=lambda account, words, now: escape(account.source) or NO_VALUE,
        fields=("source",),
    ),
    Column(
        name="source_id",
        label=field_label("source_id"),
        css="c-more c-text",
        html=lambda account, words, now: escape(account.source_id) or NO_VALUE,
        fields=("source_id",),
    ),
    Column(
        name="id",
        label=field_label("id"),
        css="c-more c-id",
        html=lambda account, words, now: str(account.id),
        fields=("id",),
    ),
    Column(
        name="verified",
        label="Verified",
        css="c-more c-flag",
        html=lambda account, words, now: yes_no(account.email_verified_at is not None),
        fields=("email_verified_at",),
        headings=("email_verified",),
        values=lambda account: (account.email_verified_at is not None,),
    ),
    Column(
        name="bounced",
        label=field_label("email_bounced_at"),
        css="c-more c-flag",
        html=lambda account, words, now: yes_no(account.email_bounced_at is not None),
        fields=("email_bounced_at",),
        headings=("email_bounced",),
        values=lambda account: (account.email_bounced_at is not None,),
    ),
    Column(
        name="mfa",
        label=field_label("has_second_factor"),
        css="c-more c-flag",
        html=lambda account, words, now: yes_no(account.has_second_factor),
        fields=("has_second_factor",),
        headings=("second_factor",),
    ),
    Column(
        name="must_change",
        label=field_label("must_change_password"),
        css="c-more c-text",
        html=lambda account, words, now: yes_no(account.must_change_password),
        fields=("must_change_password",),
        headings=("must_change_password",),
    ),
    Column(
        name="announcements",
        label=field_label("accepts_announcements"),
        css="c-more c-flag",
        html=lambda account, words, now: yes_no(account.accepts_announcements),
        fields=("accepts_announcements",),
        headings=("accepts_announcements",),
    ),
)
COLUMNS = {column.name: column for column in OPTIONAL_COLUMNS}
DEFAULT_COLUMNS = ("username", "email", "status", "joined", "seen")
# Every field of the account that a row of the list may show.
COLUMN_FIELDS = tuple(
    dict.fromkeys(field for column in (NAME_COLUMN, *OPTIONAL_COLUMNS) for field in column.fields)
)


def known_columns(names: object) -> tuple[str, ...]:
    """Returns the stored column names without unknown ones and duplicates.

    Returns the default columns if `names` is not a list.
    """
    names = names if isinstance(names, list) else DEFAULT_COLUMNS
    known = [name for name in names if isinstance(name, str) and name in COLUMNS]
    return tuple(dict.fromkeys(known))
