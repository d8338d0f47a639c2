"""A worker that is killed at any instant loses no event, and the order of each account stays."""

import multiprocessing
import random
import time
from collections import defaultdict

import pytest
from django.db import connections

from tests.audit.feeds.receivers import running_receiver
from tests.builders import make_users
from tests.webhooks.hooks import LOCAL, change, received, receiver_url, subscribe
from users.webhooks.models import WebhookSubscription
from users.webhooks.tasks import deliver_webhooks

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
KILLS = 10
ROUNDS = 12
fork_context = multiprocessing.get_context("fork")


def deliver_for_ever() -> None:
    while True:
        deliver_webhooks()


def end_claims() -> None:
    """Does what the time does after a kill."""
    WebhookSubscription.objects.update(claimed_until=None, due_at=None)


def first_places(names: list[str]) -> list[str]:
    """Returns the messages in the order of their first arrival."""
    return list(dict.fromkeys(names))


def test_after_kills_at_random_instants_every_event_came_in_the_order_of_its_account(settings):
    settings.WEBHOOKS = LOCAL
    accounts = make_users(40)
    with running_receiver() as server:
        row = subscribe(receiver_url(server))
        by_account = defaultdict(list)
        for _ in range(ROUNDS):
            for account, name in zip(accounts, change(*accounts), strict=True):
                by_account[account.pk].append(name)
        for _ in range(KILLS):
            connections.close_all()
            worker = fork_context.Process(target=deliver_for_ever)
            worker.start()
            # An instant, and no condition.
            time.sleep(random.uniform(0.05, 0.5))
            worker.kill()
            worker.join()
            end_claims()
        deliver_webhooks()
        arrived = first_places(received(server))
    everything = {name for names in by_account.values() for name in names}
    assert set(arrived) == everything
    for names in by_account.values():
        wanted = set(names)
        assert [name for name in arrived if name in wanted] == names
    ended = row.deliveries.filter(state="delivered")
    assert ended.count() == row.deliveries.count() == len(everything)
