"""Chooses how to read a page. The docstring of the package describes the choice."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connections
from django.db.models.expressions import RawSQL

from users.database.clock import current_time
from users.directory import status_expiry
from users.directory.filter import Filter
from users.directory.filters import FILTERS
from users.directory.query import keyset
from users.directory.query.account_reader import load_accounts
from users.directory.query.cursors import LAST_PAGE, check_cursors
from users.directory.query.keyset import AccountPage
from users.directory.query.strategies import PageReader
from users.models import User, UserQuerySet

NAMED_LIMIT = 10
# SQL of the table's size in the statistics of the database, added to the query of the page.
TABLE_SIZE_SQL = {
    "postgresql": "(SELECT reltuples::bigint FROM pg_class WHERE oid = 'users_user'::regclass)",
    # Two queries, since SQLite reads only one end of an index at a time.
    "sqlite": "((SELECT max(id) FROM users_user) - (SELECT min(id) FROM users_user) + 1)",
}


@dataclass(frozen=True)
class FoundPage:
    """A page with facts about the whole list."""

    page: AccountPage
    # Whether there are more matches than were read, so the page is built from a sample.
    capped: bool = False
    # Whether the search is the id, address or username of exactly these accounts.
    exact: bool = False
    # The ids of accounts that are first because the search is their username.
    named: frozenset[int] = frozenset()
    # The approximate size of the table for an unfiltered list; 0 if unknown.
    estimate: int = 0
    # The next moment at which some account changes its status, if it is known. It is the current
    # time for an empty page, which must not be cached.
    expires_at: datetime | None = None


def find(wanted: Filter, *, after: str = "", before: str = "") -> FoundPage:
    """Returns the page after `after` or before `before`; the first page without either.

    `before` may be LAST_PAGE. Raises BadCursor.
    """
    check_cursors(wanted.sort, after, before)
    # Not through the manager, whose alias takes time to build.
    accounts = UserQuerySet(User)
    if wanted.search.names_one_account and not after and not before:
        named = load_accounts(named_accounts(wanted, accounts))
        if named:
            return FoundPage(AccountPage(named), exact=True)
    if wanted.has_index_order:
        return read_index_range(wanted, accounts, after, before)
    return scan_or_collect(wanted, accounts, after, before)


def named_accounts(wanted: Filter, accounts: UserQuerySet) -> UserQuerySet:
    """Returns the accounts whose id, email address or username is the search."""
    return accounts.filter(wanted.search.exact, *wanted.conditions())[:NAMED_LIMIT]


def read_index_range(wanted: Filter, accounts: UserQuerySet, after: str, before: str) -> FoundPage:
    """Returns a page that is one range of an index, read with one query."""
    vendor = connections[accounts.db].vendor
    extra = {
        "estimate": RawSQL(TABLE_SIZE_SQL[vendor], ()),  # noqa: S611  a constant
        **status_expiry.status_change_columns(),
    }

    def fetch_rows(cursor: str, backwards: bool) -> list[User]:
        return PageReader(wanted, accounts, cursor, backwards).read_range(extra)

    page = keyset.fetch_page_with(fetch_rows, wanted.sort, wanted.size, after=after, before=before)
    if not page.accounts:
        return FoundPage(page, expires_at=current_time())
    first: Any = page.accounts[0]
    return FoundPage(
        page,
        estimate=0 if wanted.has_criteria else first.estimate or 0,
        expires_at=status_expiry.read_status_change(first),
    )


def scan_or_collect(wanted: Filter, accounts: UserQuerySet, after: str, before: str) -> FoundPage:
    """Returns a page that no index holds in order, read with at most two queries."""
    search = wanted.search
    cursor = "" if before == LAST_PAGE else after or before
    names_first = not after and not before and search.exact and not search.names_one_account
    named = named_accounts(wanted, accounts) if names_first else None
    reader = PageReader(wanted, accounts, cursor, backwards=bool(before), named=named)
    collects_first = has_rare_value(wanted) and reader.index_condition is None
    found = reader.collect_first() if collects_first else reader.scan_first()
    if before and before != LAST_PAGE and len(found.rows) <= wanted.size:
        # Fewer accounts than a page precede the cursor, so this is the first page.
        return find(wanted)
    if after and not found.rows:
        # No accounts are left after the cursor.
        return find(wanted, before=LAST_PAGE)
    page = keyset.make_page(found.rows, wanted.sort, wanted.size, after=after, before=before)
    return put_named_first(found.named, FoundPage(page, found.capped))


def has_rare_value(wanted: Filter) -> bool:
    """Returns whether any filter has a value that usually few accounts match."""
    return any(FILTERS[name].rare(value) for name, value in wanted.values.items())


def put_named_first(named: list[User], found: FoundPage) -> FoundPage:
    if not named:
        return found
    ids = frozenset(account.pk for account in named)
    others = [account for account in found.page.accounts if account.pk not in ids]
    page = replace(found.page, accounts=[*named, *others])
    return replace(found, page=page, named=ids)
