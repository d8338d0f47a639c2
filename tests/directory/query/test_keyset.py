"""Keyset paging: each account once, in order, in both directions, by an index range whatever the
page.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

import pytest
from django.db import connection

from tests.builders import make_user
from tests.plans import assert_no_sort, plans
from users.directory.query import LAST_PAGE, AccountPage, account_cursor
from users.directory.query.keyset import fetch_page
from users.directory.sorts import SORTS
from users.models import User

pytestmark = pytest.mark.django_db
START = datetime(2026, 1, 1, tzinfo=UTC)
numbers = count(1)
NAMES = ["", "Ann", "ann", "Zoë", "Ærø", "李", "😀", "\U0010fffd", "Ann Lee", "_", "%"]
each_sort = pytest.mark.parametrize("sort", SORTS)


def make_accounts(number: int, seed: int = 0) -> list[User]:
    """Accounts with many ties in every sort column, and a third that was never seen."""
    random = Random(seed)
    accounts = [
        User(
            username=f"{random.choice('abzé李')}{next(numbers)}",
            email=random.choice(["", f"{random.choice('abz')}{next(numbers)}@example.com"]),
            first_name=random.choice(NAMES),
            last_name=random.choice(NAMES[:4]),
            date_joined=START
            + timedelta(days=random.randrange(5), microseconds=random.choice([0, 0, 1])),
            last_seen_at=random.choice(
                [
                    None,
                    START + timedelta(days=random.randrange(3)),
                    START + timedelta(microseconds=n),
                ]
            ),
        )
        for n in range(number)
    ]
    for account in accounts:
        account.derive()
    return User.objects.bulk_create(accounts, batch_size=1000)


def in_order(sort: str) -> list[int]:
    """The ids as Python sorts them: by code points, "never" first, then by id; a minus turns
    everything round.
    """
    return [
        account.pk
        for account in sorted(
            User.objects.all(), key=lambda a: key(sort, a), reverse=sort[0] == "-"
        )
    ]


def key(sort: str, account: User) -> tuple:
    return SORTS[sort].read_key(account), account.pk


def forwards(sort: str, size: int) -> Iterator[AccountPage]:
    page = fetch_page(User.objects.all(), sort, size)
    yield page
    while page.next:
        page = fetch_page(User.objects.all(), sort, size, after=page.next)
        yield page


def ids(page: AccountPage) -> list[int]:
    return [account.pk for account in page.accounts]


# --- pages ----------------------------------------------------------------------------------------


@each_sort
def test_all_pages_together_hold_each_account_once_in_order(sort):
    make_accounts(300)
    expected = in_order(sort)
    for size in (7, 50, 300):
        pages = list(forwards(sort, size))
        assert [pk for page in pages for pk in ids(page)] == expected
        assert all(len(page.accounts) == size for page in pages[:-1])
        assert pages[-1].accounts
        assert pages[-1].next == ""


@each_sort
def test_the_way_back_shows_the_same_pages(sort):
    make_accounts(300)
    pages = list(forwards(sort, 23))
    page = pages[-1]
    for expected in reversed(pages[:-1]):
        page = fetch_page(User.objects.all(), sort, 23, before=page.previous)
        assert ids(page) == ids(expected)
    assert page.previous == ""
    assert pages[0].previous == ""


@each_sort
@pytest.mark.parametrize("size", [7, 20, 59, 60, 61])
def test_from_the_end_back_each_account_is_there_once_and_the_first_page_is_full(sort, size):
    make_accounts(60)
    expected = in_order(sort)
    page = fetch_page(User.objects.all(), sort, size, before=LAST_PAGE)
    assert (ids(page), page.next) == (expected[-size:], "")
    position = max(60 - size, 0)
    while page.previous:
        page = fetch_page(User.objects.all(), sort, size, before=page.previous)
        start = max(position - size, 0)
        assert ids(page) == expected[start : start + size]
        position = start
        assert page.next or size >= 60
    assert position == 0


@each_sort
def test_on_every_page_next_and_previous_undo_each_other(sort):
    make_accounts(40)
    for page in forwards(sort, 7):
        if page.next:
            after = fetch_page(User.objects.all(), sort, 7, after=page.next)
            assert ids(fetch_page(User.objects.all(), sort, 7, before=after.previous)) == ids(page)


@each_sort
def test_accounts_that_come_and_go_meanwhile_move_nobody_elses_place(sort):
    make_accounts(300)
    random = Random(7)
    gone = set()
    expected = in_order(sort)
    seen = []
    for page in forwards(sort, 20):
        seen += ids(page)
        make_accounts(5, seed=len(seen))
        victims = random.sample([pk for pk in expected if pk not in gone], 5)
        User.objects.filter(pk__in=victims).delete()
        gone |= set(victims)
    stayed = [pk for pk in expected if pk not in gone]
    assert [pk for pk in seen if pk in set(stayed)] == stayed
    assert len(set(seen)) == len(seen)


def test_no_accounts_are_one_empty_page():
    for position in ({}, {"before": LAST_PAGE}):
        assert fetch_page(User.objects.all(), "name", 50, **position) == AccountPage([], "", "")


@each_sort
def test_behind_accounts_that_are_gone_is_the_last_page(sort):
    make_accounts(30)
    expected = in_order(sort)
    first = fetch_page(User.objects.all(), sort, 20)
    User.objects.filter(pk__in=expected[20:]).delete()
    page = fetch_page(User.objects.all(), sort, 7, after=first.next)
    assert (ids(page), page.next) == (expected[13:20], "")
    assert page.previous


@each_sort
def test_in_front_of_accounts_that_are_gone_is_the_first_page(sort):
    make_accounts(30)
    expected = in_order(sort)
    last = fetch_page(User.objects.all(), sort, 20, before=LAST_PAGE)
    User.objects.filter(pk__in=expected[:10]).delete()
    page = fetch_page(User.objects.all(), sort, 7, before=last.previous)
    assert (ids(page), page.previous) == (expected[10:17], "")


@each_sort
def test_a_narrowed_list_is_paged_like_the_whole_one(sort):
    make_accounts(100)
    wanted = User.objects.filter(email="")
    expected = [pk for pk in in_order(sort) if not User.objects.get(pk=pk).email]
    first = fetch_page(wanted, sort, 10)
    assert ids(first) + ids(fetch_page(wanted, sort, 10, after=first.next)) == expected[:20]


@each_sort
def test_each_page_takes_one_query(sort, django_assert_num_queries):
    make_accounts(30)
    middle = account_cursor(sort, User.objects.get(pk=in_order(sort)[15]))
    for position in ({}, {"after": middle}, {"before": middle}, {"before": LAST_PAGE}):
        with django_assert_num_queries(1):
            fetch_page(User.objects.all(), sort, 5, **position)


def test_the_longest_name_has_a_cursor_that_works():
    for _ in range(2):
        make_user(
            first_name="㍿" * 150, last_name="㍿" * 150
        )  # four ideographs each in the search form
    first = fetch_page(User.objects.all(), "name", 1)
    assert len(first.accounts[0].name_key) == 620
    assert len(fetch_page(User.objects.all(), "name", 1, after=first.next).accounts) == 1


# --- what it costs --------------------------------------------------------------------------------

INDEXES = {
    "joined": "user_by_joined",
    "username": "user_by_username",
    "email": "user_by_email",
    "name": "user_by_name",
    "seen": "user_by_last_seen",
}


@each_sort
def test_each_page_is_a_range_of_the_sorts_own_index(sort):
    make_accounts(1000)
    cursor = account_cursor(sort, User.objects.get(pk=in_order(sort)[500]))
    for position in ({}, {"after": cursor}, {"before": cursor}, {"before": LAST_PAGE}):
        [plan] = plans(
            lambda position=position: fetch_page(User.objects.all(), sort, 50, **position)
        )
        assert_no_sort(plan)
        assert INDEXES[sort.removeprefix("-")] in plan, plan
        if cursor in position.values():
            assert_ranged(plan)


def assert_ranged(plan: str) -> None:
    """The cursor bounds the range; a filter would read from the start of the index to the page."""
    if connection.vendor == "postgresql":
        assert "Index Cond: (ROW(" in plan, plan
        assert "Filter" not in plan, plan
    else:
        assert plan.startswith("SEARCH users_user USING INDEX"), plan
