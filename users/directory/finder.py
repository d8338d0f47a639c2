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
from users.directory.filters import PARAMETERS, ranges
from users.directory.keyset import END, Page
from users.directory.road import Road
from users.models import User, UserQuerySet

NAMED = 10


@dataclass(frozen=True)
class Found:
    """`capped`: there are more matches than were looked at; the page is made of a sample. `exact`:
    the search names these accounts alone. `named`: ids of accounts that stand first because the
    search is their username. `about`: the size of the table, where the database knows it and
    nothing narrows the list. `turn`: the next moment at which some account changes its state, where
    the list is in order; nobody may keep an empty one.
    """

    page: Page
    capped: bool = False
    exact: bool = False
    named: frozenset[int] = frozenset()
    about: int = 0
    turn: datetime | None = None


def find(wanted: Filter, *, after: str = "", before: str = "") -> Found:
    """The page behind `after`, or in front of `before`, or the first. Raises keyset.BadCursor."""
    keyset.check(wanted.sort, after, before)
    accounts = UserQuerySet(
        User
    )  # without the alias of the manager: putting it together takes time
    first_page = not after and not before
    if wanted.search.alone and first_page and (rows := keyset.load(named(wanted, accounts))):
        return Found(Page(rows), exact=True)
    if in_order(wanted):
        beside = {"about": table_size(connections[accounts.db].vendor), **status_expiry.beside()}

        def ask(cursor: str, backwards: bool) -> list[User]:
            return Road(wanted, accounts, cursor, backwards).straight(beside)

        page = keyset.fetch_by(ask, wanted.sort, wanted.size, after=after, before=before)
        if not page.accounts:
            return Found(page, turn=timezone.now())
        first: Any = page.accounts[0]
        return Found(
            page, about=0 if wanted.narrows else first.about or 0, turn=status_expiry.of(first)
        )
    return walk_or_gather(wanted, accounts, after, before)


def named(wanted: Filter, accounts: UserQuerySet) -> UserQuerySet:
    """The accounts whose id, address or username the search is."""
    return accounts.filter(wanted.search.exact, *wanted.conditions())[:NAMED]


def in_order(wanted: Filter) -> bool:
    """Whether some index holds exactly these accounts in this order, so that a page is one range of
    it.
    """
    sort = wanted.sort.removeprefix("-")
    others = [
        (name, value) for name, value in wanted.values.items() if not ranges(name, value, sort)
    ]
    return (
        not wanted.search
        and len(others) <= 1
        and all(sort in PARAMETERS[name].ordered(value) for name, value in others)
    )


def walk_or_gather(wanted: Filter, accounts: UserQuerySet, after: str, before: str) -> Found:
    road = Road(
        wanted, accounts, cursor=after or (before if before != END else ""), backwards=bool(before)
    )
    if not after and not before and wanted.search.exact and not wanted.search.alone:
        road = replace(road, named=named(wanted, accounts))
    ahead = road.gather_first() if seldom(wanted) and not road.lane else road.walk_first()
    if before and before != END and len(ahead.rows) <= wanted.size:
        return find(wanted)  # less than a page stands in front: that is the first page
    if after and not ahead.rows:
        return find(wanted, before=END)  # what stood behind the cursor is gone
    page = keyset.page_of(ahead.rows, wanted.sort, wanted.size, after=after, before=before)
    return put_first(ahead.named, Found(page, ahead.capped))


def put_first(named: list[User], found: Found) -> Found:
    ids = frozenset(account.pk for account in named)
    rest = [account for account in found.page.accounts if account.pk not in ids]
    return (
        replace(found, page=replace(found.page, accounts=[*named, *rest]), named=ids)
        if named
        else found
    )


def seldom(wanted: Filter) -> bool:
    """Whether the matches are so few, as a rule, that to gather them is the shorter road."""
    return any(PARAMETERS[name].seldom(value) for name, value in wanted.values.items())
