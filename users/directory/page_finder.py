"""Finds the page that a filter asks for, at a bounded cost whatever the filter and the size of the
table.

Where an index holds the wanted accounts in the wanted order, the page is one range of it.
Everywhere else the planner has to choose between two roads, each ruinous for some filter (at ten
million rows 0.3 ms against 19 s), so we choose:

1. Walk: the next few thousand accounts in the wanted order, and of these the ones that match. Whatever is common
   fills a page at once. If the walk fills the page or reaches the end, the answer is complete. Where an index holds
   the accounts of one of the filters in the wanted order, the walk is along that, and goes so much further.
2. Gather: at most some thousand matches through the filter's or the search's own index, then put in order. Whatever
   is rare is gathered whole, and the answer is complete. Otherwise it is a sample, and says so.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connections
from django.utils import timezone

from users.directory import keyset, status_expiry
from users.directory.counts import table_size
from users.directory.filter import Filter
from users.directory.filters import FILTERS, is_range_of
from users.directory.keyset import LAST_PAGE, AccountPage
from users.directory.strategies import PageReader
from users.models import User, UserQuerySet

NAMED_LIMIT = 10


@dataclass(frozen=True)
class FoundPage:
    """`capped`: there are more matches than were looked at; the page is made of a sample. `exact`:
    the search names these accounts alone. `named`: ids of accounts that stand first because the
    search is their username. `about`: the size of the table, where the database knows it and
    nothing narrows the list. `turn`: the next moment at which some account changes its state, where
    the list is in order; nobody may keep an empty one.
    """

    page: AccountPage
    capped: bool = False
    exact: bool = False
    named: frozenset[int] = frozenset()
    about: int = 0
    turn: datetime | None = None


def find_directory_page(wanted: Filter, *, after: str = "", before: str = "") -> FoundPage:
    """The page behind `after`, or in front of `before`, or the first. Raises keyset.BadCursor."""
    keyset.check_cursors(wanted.sort, after, before)
    accounts = UserQuerySet(
        User
    )  # without the alias of the manager: putting it together takes time
    first_page = not after and not before
    if (
        wanted.search.alone
        and first_page
        and (rows := keyset.load_accounts(named_accounts(wanted, accounts)))
    ):
        return FoundPage(AccountPage(rows), exact=True)
    if has_index_order(wanted):
        beside = {
            "about": table_size(connections[accounts.db].vendor),
            **status_expiry.status_change_columns(),
        }

        def ask(cursor: str, backwards: bool) -> list[User]:
            return PageReader(wanted, accounts, cursor, backwards).straight(beside)

        page = keyset.fetch_page_with(ask, wanted.sort, wanted.size, after=after, before=before)
        if not page.accounts:
            return FoundPage(page, turn=timezone.now())
        first: Any = page.accounts[0]
        return FoundPage(
            page,
            about=0 if wanted.narrows else first.about or 0,
            turn=status_expiry.read_status_change(first),
        )
    return scan_or_collect(wanted, accounts, after, before)


def named_accounts(wanted: Filter, accounts: UserQuerySet) -> UserQuerySet:
    """The accounts whose id, address or username the search is."""
    return accounts.filter(wanted.search.exact, *wanted.conditions())[:NAMED_LIMIT]


def has_index_order(wanted: Filter) -> bool:
    """Whether some index holds exactly these accounts in this order, so that a page is one range of
    it.
    """
    sort = wanted.sort.removeprefix("-")
    others = [
        (name, value) for name, value in wanted.values.items() if not is_range_of(name, value, sort)
    ]
    return (
        not wanted.search
        and len(others) <= 1
        and all(sort in FILTERS[name].ordered(value) for name, value in others)
    )


def scan_or_collect(wanted: Filter, accounts: UserQuerySet, after: str, before: str) -> FoundPage:
    road = PageReader(
        wanted,
        accounts,
        cursor=after or (before if before != LAST_PAGE else ""),
        backwards=bool(before),
    )
    if not after and not before and wanted.search.exact and not wanted.search.alone:
        road = replace(road, named=named_accounts(wanted, accounts))
    ahead = road.gather_first() if is_rare(wanted) and not road.lane else road.walk_first()
    if before and before != LAST_PAGE and len(ahead.rows) <= wanted.size:
        return find_directory_page(
            wanted
        )  # less than a page stands in front: that is the first page
    if after and not ahead.rows:
        return find_directory_page(wanted, before=LAST_PAGE)  # what stood behind the cursor is gone
    page = keyset.make_page(ahead.rows, wanted.sort, wanted.size, after=after, before=before)
    return put_named_first(ahead.named, FoundPage(page, ahead.capped))


def put_named_first(named: list[User], found: FoundPage) -> FoundPage:
    ids = frozenset(account.pk for account in named)
    rest = [account for account in found.page.accounts if account.pk not in ids]
    return (
        replace(found, page=replace(found.page, accounts=[*named, *rest]), named=ids)
        if named
        else found
    )


def is_rare(wanted: Filter) -> bool:
    """Whether the matches are so few, as a rule, that to gather them is the shorter road."""
    return any(FILTERS[name].seldom(value) for name, value in wanted.values.items())
