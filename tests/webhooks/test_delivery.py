"""Webhooks: signed, at least once, in order for each account, and no receiver waits for another."""

import json
from datetime import timedelta

import pytest
from django.db.models import F
from standardwebhooks.webhooks import Webhook

from tests.audit.feeds.receivers import running_receiver
from tests.builders import make_superuser, make_user, make_users
from tests.webhooks.hooks import (
    LOCAL,
    change,
    make_due,
    received,
    receiver_url,
    states,
    subscribe,
    subscribed_receiver,
)
from users.factors.encryption import decrypt_secret
from users.mail.models import Letter, Message
from users.sessions.models import SignInEvent
from users.webhooks import batch_sender, batches, delivery
from users.webhooks.models import WebhookDelivery, WebhookSubscription
from users.webhooks.subscriptions import (
    edit_subscription,
    pause_subscription,
    requeue_dead_letters,
    resume_subscription,
    rotate_secret,
)
from users.webhooks.tasks import deliver_webhooks

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def local_hosts(settings):
    settings.WEBHOOKS = LOCAL


def fresh(row: WebhookSubscription) -> WebhookSubscription:
    return WebhookSubscription.objects.get(pk=row.pk)


def test_events_arrive_once_and_signed_and_have_names_but_no_values():
    account = make_user()
    with subscribed_receiver() as (server, row):
        sent = change(
            account, before={"email": "old@example.com"}, after={"email": "n@example.com"}
        )
        sent += change(account, action="account.suspended", reason="Secret reason")
        change(account, action="note.added")
        deliver_webhooks()
        deliver_webhooks()
        assert received(server) == sent
        headers, body = server.requests[0]
        secret = decrypt_secret(row.secret)
        content = Webhook(secret).verify(body, headers)
    assert content["type"] == "account.changed"
    assert content["data"]["account_id"] == str(account.pk)
    assert content["data"]["fields"] == ["email"]
    everything = json.dumps(server.requests[0][1]) + server.requests[1][1]
    assert "example.com" not in everything
    assert "Secret" not in everything
    assert states(row) == ["delivered", "delivered"]
    assert fresh(row).claimed_until is None


def test_only_chosen_kinds_are_sent_and_a_status_decides_the_kind_of_an_undo():
    account = make_user()
    with subscribed_receiver(kinds=["account.reinstated"]) as (server, _):
        change(account, action="account.suspended")
        change(account, after={"last_name": "x"}, action="account.undone")
        status = {"before": {"status": "suspended"}, "after": {"status": "active"}}
        sent = change(account, action="account.undone", **status)
        # Someone else has created one.
        change(account, action="account.changed_outside", after={"status": "active"})
        deliver_webhooks()
        assert received(server) == sent


def test_values_are_sent_if_the_subscription_and_its_owner_may_have_them():
    owner = make_superuser()
    account = make_user()
    with subscribed_receiver(by=owner, with_values=True) as (server, _):
        change(account, after={"email": "new@example.com"})
        deliver_webhooks()
        owner.is_superuser = False
        owner.save()
        change(account, after={"email": "newer@example.com"})
        deliver_webhooks()
        shown, masked = (json.loads(body)["data"] for _, body in server.requests)
    assert shown["after"] == {"email": "new@example.com"}
    assert "newer" not in masked["after"]["email"]


def test_a_failing_event_holds_those_about_its_account_and_no_others():
    first, second = make_users(2)
    with subscribed_receiver() as (server, row):
        [one] = change(first)
        server.refused = {one}
        two, three = change(second, first)
        deliver_webhooks()
        assert sorted(received(server)) == sorted([one, two])
        assert states(row) == ["waiting", "delivered", "waiting"]
        [four] = change(first)
        deliver_webhooks()
        assert len(server.requests) == 2
        make_due()
        deliver_webhooks()  # the refused one alone
        assert received(server)[2:] == [one]
        sent = change(make_user())
        deliver_webhooks()  # which is no reason to leave the receiver alone
        assert received(server)[3:] == sent
        server.refused = set()
        make_due()
        deliver_webhooks()
        assert received(server)[4:] == [one, three, four]
        assert set(states(row)) == {"delivered"}
        assert fresh(row).error == ""


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([500], "answered with status 500"),
        ([302], "answered with status 302: redirects are not followed"),
        # A connection that was dropped is not opened again if it was new.
        ([0], "Remote end closed connection without response"),
    ],
)
def test_a_receiver_that_fails_is_left_alone_longer_each_time(answers, error):
    with subscribed_receiver() as (server, row):
        server.answers = 5 * answers
        sent = change(*make_users(1))
        deliver_webhooks()
        deliver_webhooks()
        assert received(server) == sent
        left_alone = fresh(row)
        assert (left_alone.attempts, left_alone.error) == (1, error)
        assert left_alone.due_at - left_alone.failed_at == batches.FIRST_PAUSE
        for _ in range(3):
            make_due()
            deliver_webhooks()
        assert fresh(row).attempts == 4
        letter = row.deliveries.get()
        assert (letter.state, letter.attempts) == ("waiting", 4)
        assert letter.due_at - letter.tried_at == 8 * batches.FIRST_PAUSE
        server.answers = []
        make_due()
        deliver_webhooks()
        assert set(received(server)) == set(sent)
        assert states(row) == ["delivered"]
        assert fresh(row).attempts == 0


def test_a_receiver_that_is_down_is_tried_a_few_times_and_gets_everything_later():
    accounts = make_users(40)
    with running_receiver() as server:
        row = subscribe(receiver_url(server))
        server.answers = 40 * [503]
        sent = change(*accounts)
        deliver_webhooks()
        assert len(server.requests) <= batch_sender.FAILURES_IN_A_ROW + batch_sender.CONNECTIONS
        more = change(*accounts)
        deliver_webhooks()
        assert len(server.requests) <= batch_sender.FAILURES_IN_A_ROW + batch_sender.CONNECTIONS
        server.answers = []
        make_due()
        deliver_webhooks()
        arrived = received(server)
        for before, after in zip(sent, more, strict=True):
            assert arrived.index(before) < arrived.index(after)
        assert set(states(row)) == {"delivered"}


@pytest.mark.parametrize(
    ("asked", "pause"), [("7", 7), ("0", 1), ("999999", 3600), ("Fri, 31 Dec 2027", 30)]
)
def test_a_busy_receiver_says_for_how_long_within_bounds(asked, pause):
    with subscribed_receiver() as (server, row):
        server.answers = [429]
        server.headers = {"Retry-After": asked}
        change(*make_users(1))
        deliver_webhooks()
        letter = row.deliveries.get()
        assert letter.due_at - letter.tried_at == timedelta(seconds=pause)
        assert fresh(row).due_at is not None


def test_a_receiver_that_is_gone_pauses_its_webhook_and_its_owner_is_told():
    owner = make_superuser()
    with subscribed_receiver(by=owner) as (server, row):
        server.answers = [410]
        change(*make_users(1))
        deliver_webhooks()
        assert fresh(row).pause == "gone"
        message = Message.objects.get(kind="alarm")
        assert (message.account_id, Letter.objects.get().subject) == (
            owner.pk,
            "Rollcall paused the webhook Billing",
        )
        make_due()
        deliver_webhooks()
        assert len(server.requests) == 1
        resume_subscription(row, by=owner)
        make_due()
        deliver_webhooks()
        assert states(row) == ["delivered"]


def test_after_24_hours_a_failure_makes_a_dead_letter_and_the_next_event_has_its_turn():
    [account] = make_users(1)
    with subscribed_receiver() as (server, row):
        [one] = change(account)
        server.refused = {one}
        deliver_webhooks()
        two = change(account)
        deliver_webhooks()
        row.deliveries.update(created_at=F("created_at") - batches.RETRY_TIME)
        make_due()
        deliver_webhooks()
        assert received(server) == [one, one, *two]
        assert states(row) == ["dead", "delivered"]
        server.refused = set()
        assert requeue_dead_letters(row, by=make_superuser()) == 1
        assert requeue_dead_letters(row, by=make_superuser()) == 0
        deliver_webhooks()
        assert received(server)[-1] == one
        assert states(row) == ["delivered", "delivered"]


def test_a_slow_receiver_and_one_that_is_down_hold_nobody_up(monkeypatch):
    monkeypatch.setattr(batch_sender, "REQUEST_SECONDS", 0.3)
    account = make_user()
    with running_receiver() as slow, running_receiver() as quick:
        slow_row = subscribe(receiver_url(slow))
        down_row = subscribe("http://127.0.0.1:9/")
        row = subscribe(receiver_url(quick))
        slow.answers = [-2]
        sent = change(account)
        ended = []
        store = delivery.store_batch

        def note_end(row, batch, outcomes):
            store(row, batch, outcomes)
            if outcomes:
                ended.append(row.pk)

        monkeypatch.setattr(delivery, "store_batch", note_end)
        deliver_webhooks()
        assert received(quick) == sent
        assert ended[-1] == slow_row.pk
        assert row.pk in ended
        assert "within 0.3 seconds" in fresh(slow_row).error
        assert fresh(down_row).error == "Connection refused"


def test_a_private_address_is_refused_at_each_delivery(settings):
    with subscribed_receiver() as (server, row):
        change(*make_users(1))
        settings.WEBHOOKS = type(LOCAL)()
        deliver_webhooks()
        assert fresh(row).error == "the address of the receiver is private"
        assert not server.requests


def test_both_secrets_sign_for_a_time_after_a_rotation():
    owner = make_superuser()
    with subscribed_receiver(by=owner) as (server, row):
        old = decrypt_secret(row.secret)
        new = rotate_secret(row, by=owner)
        change(*make_users(1))
        deliver_webhooks()
        WebhookSubscription.objects.update(previous_until=F("created_at"))
        change(*make_users(1))
        deliver_webhooks()
        (both_headers, both), (headers, body) = server.requests
    for secret in (old, new):
        Webhook(secret).verify(both, both_headers)
    Webhook(new).verify(body, headers)
    assert " " not in headers["webhook-signature"]


def test_a_paused_webhook_keeps_its_place_and_a_worker_that_lost_it_stores_nothing():
    owner = make_superuser()
    with subscribed_receiver(by=owner) as (server, row):
        pause_subscription(row, by=owner)
        sent = change(*make_users(3))
        deliver_webhooks()
        assert not server.requests
        resume_subscription(row, by=owner)
        claimed = delivery.claim_subscriptions()
        assert delivery.claim_subscriptions() == []
        WebhookSubscription.objects.update(claimed_until=None)
        deliver_webhooks()
        assert sorted(received(server)) == sorted(sent)
        with pytest.raises(batches.LostSubscription):
            batches.store_batch(claimed[0], batches.read_batch(claimed[0]), [])
        assert WebhookDelivery.objects.count() == 3


def test_sign_ins_are_sent_after_a_minute_in_the_order_of_their_ids():
    account = make_user()
    with subscribed_receiver() as (server, _):
        for outcome in ("ok", "wrong-password", "ok"):
            SignInEvent.objects.create(account_id=account.pk, outcome=outcome)
        SignInEvent.objects.create(outcome="unknown")
        deliver_webhooks()
        assert not server.requests
        SignInEvent.objects.update(at=F("at") - timedelta(minutes=2))
        deliver_webhooks()
        ids = SignInEvent.objects.filter(outcome="ok").order_by("pk").values_list("pk", flat=True)
        assert received(server) == [f"signin_{pk}" for pk in ids]
        assert json.loads(server.requests[0][1])["type"] == "account.signed_in"


def test_more_deliveries_about_an_account_than_a_batch_has_become_due_in_order(monkeypatch):
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    account = make_user()
    with subscribed_receiver() as (server, row):
        [one] = change(account)
        server.refused = {one}
        deliver_webhooks()
        later = [change(account)[0] for _ in range(6)]
        deliver_webhooks()
        assert received(server) == [one]
        server.refused = set()
        make_due()
        deliver_webhooks()
        assert received(server) == [one, one, *later]
        assert set(states(row)) == {"delivered"}


def test_sign_ins_chosen_while_a_worker_delivers_begin_with_the_next_one():
    owner = make_superuser()
    account = make_user()
    with subscribed_receiver(by=owner, kinds=["account.changed"]) as (server, row):
        SignInEvent.objects.create(account_id=account.pk, outcome="ok")
        SignInEvent.objects.update(at=F("at") - timedelta(minutes=2))
        (claimed,) = delivery.claim_subscriptions()
        batch = batches.read_batch(claimed)
        names = ("name", "method", "url", "with_values", "subject", "audience")
        values = {name: getattr(row, name) for name in names}
        kinds = ["account.changed", "account.signed_in"]
        edit_subscription(row, by=owner, version=row.version, kinds=kinds, **values)
        batches.store_batch(claimed, batch, [])
        WebhookSubscription.objects.update(claimed_until=None)
        deliver_webhooks()
        assert not server.requests, "a sign-in from before they were chosen"
