"""The sum of all processes decides, and a count that cannot be written neither blocks nor fails a
page. Threads with connections of their own stand for processes: no sum is in their memory.
"""

import time

import pytest
from django.db import connection, transaction
from django.test import Client

from tests.builders import make_user, make_users
from tests.meter.limits import confirm, count_of, is_sent_to_sudo, set_budgets
from tests.threads import at_once
from users.database.clock import current_hour
from users.meter.hour_totals import (
    UNCOUNTED_USES,
    add_use,
    add_use_without_waiting,
    upsert_sql,
)
from users.meter.models import HourlyUse

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_missed():
    UNCOUNTED_USES.numbers.clear()
    yield
    UNCOUNTED_USES.numbers.clear()


@pytest.mark.postgresql
def test_a_budget_holds_over_processes_up_to_those_at_the_same_instant(settings):
    set_budgets(settings, openings=10)
    agent = make_user("Support")
    clients = [Client(), Client()]
    for client in clients:
        client.force_login(agent)
    accounts = make_users(40)

    def open_some(client, own):
        return [client.get(f"/users/{account.pk}/") for account in own]

    answers = at_once(
        lambda: open_some(clients[0], accounts[:20]),
        lambda: open_some(clients[1], accounts[20:]),
    )
    shown = [answer for part in answers for answer in part if answer.status_code == 200]
    assert 10 <= len(shown) + sum(UNCOUNTED_USES.numbers.values()) <= 10 + 2
    assert all(
        is_sent_to_sudo(answer) for part in answers for answer in part if answer not in shown
    )
    assert count_of(agent, "openings") == 10


@pytest.mark.postgresql
def test_no_use_of_many_at_once_is_lost():
    agent = make_user("Support")

    def use_often():
        for subject in range(1, 26):
            add_use_without_waiting(agent.pk, "openings", 1, subject)

    def use_in_reverse():
        for subject in range(125, 100, -1):
            add_use_without_waiting(agent.pk, "openings", 1, subject)

    at_once(use_often, use_in_reverse)
    assert count_of(agent, "openings") + sum(UNCOUNTED_USES.numbers.values()) == 50


@pytest.mark.postgresql
def test_a_row_that_somebody_holds_neither_delays_nor_fails_a_page_and_is_made_up_for():
    agent = make_user("Support")
    client = Client()
    client.force_login(agent)
    ada, jane, zoe = make_users(3)
    client.get(f"/users/{ada.pk}/")
    assert count_of(agent, "openings") == 1

    def open_jane():
        began = time.monotonic()
        return client.get(f"/users/{jane.pk}/").status_code, time.monotonic() - began

    with transaction.atomic():
        HourlyUse.objects.select_for_update().get()
        ((status, seconds),) = at_once(open_jane)
    assert status == 200
    assert seconds < 2, "the lock was held for as long as the page took"
    assert count_of(agent, "openings") == 1
    client.get(f"/users/{zoe.pk}/")
    assert count_of(agent, "openings") == 3


def test_a_repetition_at_the_same_instant_is_refused_above_the_limit_too(settings):
    set_budgets(settings, openings=1)
    agent = make_user("Support")
    client = Client()
    client.force_login(agent)
    ada, jane, zoe = make_users(3)
    assert client.get(f"/users/{ada.pk}/").status_code == 200
    assert is_sent_to_sudo(client.get(f"/users/{jane.pk}/"))
    # Another request of the person has counted the account, and has not been refused yet.
    add_use_without_waiting(agent.pk, "openings", 1, zoe.pk)
    assert is_sent_to_sudo(client.get(f"/users/{zoe.pk}/"))


def test_above_the_limit_a_repetition_does_not_count_once_it_was_shown(settings):
    set_budgets(settings, openings=1)
    agent = make_user("Support")
    client = Client()
    client.force_login(agent)
    ada, jane = make_users(2)
    client.get(f"/users/{ada.pk}/")
    assert is_sent_to_sudo(client.get(f"/users/{jane.pk}/"))
    confirm(client)
    for _ in range(3):
        assert client.get(f"/users/{jane.pk}/").status_code == 200
    assert count_of(agent, "openings") == 2


def commit_settings() -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('synchronous_commit'), current_setting('lock_timeout')"
        )
        return cursor.fetchone()


@pytest.mark.postgresql
def test_a_count_waits_neither_for_the_disk_nor_for_long_and_what_follows_does():
    agent = make_user("Support")
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = 'on'")
        usual = commit_settings()
        add_use_without_waiting(agent.pk, "openings", 1, 1)
        assert commit_settings() == usual
        params = (
            agent.pk,
            current_hour(),
            "openings",
            1,
            2,
            "openings",
            agent.pk,
            current_hour(),
            agent.pk,
        )
        with transaction.atomic():
            cursor.execute(upsert_sql("postgresql", soft=True), params)
            assert commit_settings() == ("off", "50ms")
        assert commit_settings() == usual
        cursor.execute("RESET synchronous_commit")
    assert count_of(agent, "openings") == 2


@pytest.mark.postgresql
def test_a_reveal_is_committed_with_its_event():
    agent = make_user("Support")
    with transaction.atomic():
        usual = commit_settings()
        add_use(agent.pk, "reveals")
        assert commit_settings() == usual


@pytest.mark.sqlite
def test_on_sqlite_a_count_does_not_wait_for_another_writer():
    agent = make_user("Support")
    missed = []

    def use_meanwhile():
        began = time.monotonic()
        missed.append(add_use_without_waiting(agent.pk, "openings", 1, 7))
        return time.monotonic() - began

    with transaction.atomic():
        HourlyUse.objects.filter(pk=0).update(count=0)
        make_user()
        (seconds,) = at_once(use_meanwhile)
    assert missed == [None]
    assert seconds < 2
    total = add_use_without_waiting(agent.pk, "openings", 1, 8)
    assert total is not None
    assert total.uses == 2
