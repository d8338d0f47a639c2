"""Writers that raise a generation at once, and how its numbers are read."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.db import connection

from tests.builders import make_superuser, make_user
from tests.caching.generation_counts import COMMAND, total
from tests.threads import at_once
from users.caching.generation import (
    GENERATION_NAMES,
    current_generations,
    parse_generations,
)
from users.caching.models import Generation
from users.models import User
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db


@contextmanager
def second_connection() -> Iterator[Any]:
    """In a transaction of its own, which waits half a second for a lock and no longer."""
    second = connection.copy()
    second.set_autocommit(False)
    try:
        with second.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '500ms'")
            yield cursor
    finally:
        second.close()


CHANGES_BY_HAND = {
    "accounts": "UPDATE users_user SET phone = '1' WHERE id = %s",
    "roles": "INSERT INTO users_user_groups (user_id, group_id) SELECT %s, min(id) FROM auth_group",
}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CHANGES_BY_HAND)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)], ids=str)
def test_writers_of_different_accounts_never_wait_and_every_commit_gives_a_new_number(name, order):
    accounts = [make_user() for _ in range(3)]
    seen = [current_generations()]
    with ExitStack() as stack:
        cursors = [stack.enter_context(second_connection()) for _ in accounts]
        for cursor, account in zip(cursors, accounts, strict=True):
            cursor.execute(CHANGES_BY_HAND[name], [account.pk])
        assert current_generations() == seen[0]  # nobody has committed
        for number in order:
            cursors[number].db.commit()
            seen.append(current_generations())
    totals = [total(generations, name) for generations in seen]
    assert totals == sorted(set(totals))
    lanes = Generation.objects.filter(name=name).count()
    for account in accounts:
        account.delete()
    assert (
        Generation.objects.filter(name=name).count() == lanes
    )  # who writes alone takes a lane that is there


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_writer_who_gives_up_leaves_the_lane_as_it_was():
    ada = make_user()
    grace = make_user()
    before = current_generations()
    with second_connection() as one, second_connection() as other:
        one.execute(CHANGES_BY_HAND["accounts"], [ada.pk])
        other.execute(CHANGES_BY_HAND["accounts"], [grace.pk])
        one.db.rollback()
        assert current_generations() == before
        other.db.commit()
    assert total(current_generations()) > total(before)


@pytest.mark.django_db(transaction=True)
def test_of_many_changes_at_once_none_is_missed():
    accounts = [make_superuser() for _ in range(6)]
    rounds = 10
    before = total(current_generations())

    def write(account: User) -> list[str]:
        numbers = []
        for number in range(rounds):
            edit_profile(account, by=COMMAND, version=None, phone=f"123456{number}")
            numbers.append(current_generations()["accounts"])
        return numbers

    answers = at_once(*(lambda account=account: write(account) for account in accounts))
    for numbers in answers:
        assert (
            len(set(numbers)) == rounds
        )  # whoever has changed something never reads a number from before it
    assert total(current_generations()) >= before + len(accounts) * rounds


def test_numbers_are_read_whatever_their_order():
    one = parse_generations("accounts:17 audit:4 accounts:9")
    other = parse_generations("accounts:9 accounts:17 audit:4")
    assert one == other
    assert one.of("accounts", "audit") == other.of("accounts", "audit")
    assert set(one["accounts"].split(".")) == {"9", "17"}
    assert (one["audit"], one["roles"]) == ("4", "0")


@pytest.mark.parametrize("text", [None, ""])
def test_without_any_number_all_are_zero(text):
    assert parse_generations(text).of(*GENERATION_NAMES) == "0/0/0"


def test_numbers_that_differ_are_told_apart():
    texts = [
        "accounts:1 accounts:23",
        "accounts:12 accounts:3",
        "accounts:123",
        "audit:1 accounts:23",
        "accounts:1",
        None,
    ]
    assert len({parse_generations(text).of(*GENERATION_NAMES) for text in texts}) == len(texts)
