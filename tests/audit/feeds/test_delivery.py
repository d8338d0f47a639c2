"""The webhook of the audit feed: signed, in order, at least once, and never stopped by one."""

import json
import os
import signal
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest
from audit_settings import FeedSettings
from django.db import connections
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.audit.feeds.receivers import ReceiverServer, running_receiver, write_certificate
from tests.audit.tampering import make_events
from users.audit import chain
from users.audit.feeds import delivery, webhook
from users.audit.feeds.feed_state import feed_problems, feed_states
from users.audit.feeds.models import DeadLetter, Feed
from users.audit.models import AuditEvent
from users.audit.tasks import deliver_feeds

SECRETS = tuple("whsec_" + b64encode(each * 32).decode() for each in (b"a", b"b"))


@pytest.fixture
def receiver():
    with running_receiver() as server:
        yield server


@pytest.fixture
def feeds(db, settings, receiver) -> FeedSettings:
    return use_feed(settings, receiver)


def use_feed(settings, receiver: ReceiverServer) -> FeedSettings:
    settings.AUDIT_FEEDS = FeedSettings(
        webhook=f"http://127.0.0.1:{receiver.server_port}/hook?token=hidden",
        secrets=SECRETS,
        allows_private=True,
    )
    deliver_feeds()  # begins with the events from now on
    return settings.AUDIT_FEEDS


def seal(number: int) -> list[int]:
    """Seals new events, and returns their IDs in the order of the chain."""
    first = AuditEvent.objects.count()
    make_events(number)
    chain.seal_waiting_events()
    events = AuditEvent.objects.exclude(chain_position=None).order_by("chain_position")
    return list(events.values_list("pk", flat=True)[first:])


def make_due() -> None:
    Feed.objects.update(due_at=None)


def test_sealed_events_arrive_in_order_and_are_signed_with_both_secrets(feeds, receiver):
    ids = seal(3)
    make_events(1)  # not sealed
    deliver_feeds()
    deliver_feeds()
    assert receiver.ids == ids
    headers, body = receiver.requests[0]
    for secret in SECRETS:
        found = Webhook(secret).verify(body, headers)
    assert found["data"]["metadata"]["uid"] == str(ids[0])
    other = Webhook("whsec_" + b64encode(b"c" * 32).decode())
    with pytest.raises(WebhookVerificationError):
        other.verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRETS[0]).verify(body.replace("audit", "Audit"), headers)
    feed = Feed.objects.get()
    assert (feed.position, feed.claimed_until) == (3, None)


# A connection that was open and is dropped is opened again once.
@pytest.mark.parametrize("answers", [[500], [302], [401], [0, 0]])
def test_a_receiver_that_fails_gets_the_same_event_until_it_accepts_it(feeds, receiver, answers):
    receiver.answers = [204, *answers]
    ids = seal(3)
    deliver_feeds()
    deliver_feeds()  # not due yet
    assert receiver.ids[:2] == ids[:2]
    feed = Feed.objects.get()
    assert (feed.position, feed.attempts) == (1, 1)
    assert feed.due_at > feed.failed_at + timedelta(seconds=20)
    make_due()
    deliver_feeds()
    assert list(dict.fromkeys(receiver.ids)) == ids
    feed.refresh_from_db()
    assert (feed.position, feed.attempts, feed.error, feed.failed_at) == (3, 0, "", None)


def test_a_slow_answer_is_ended(feeds, receiver, monkeypatch):
    monkeypatch.setattr(webhook, "REQUEST_SECONDS", 0.2)
    receiver.answers = [-2]
    seal(1)
    deliver_feeds()
    feed = Feed.objects.get()
    assert (feed.position, feed.attempts) == (0, 1)


def test_an_event_that_is_refused_becomes_a_dead_letter_and_can_be_sent_again(
    feeds, receiver, caplog
):
    receiver.answers = [500] + 5 * [422]
    ids = seal(2)
    for _ in range(6):
        deliver_feeds()
        make_due()
    assert receiver.ids == 6 * ids[:1] + ids[1:]
    letter = DeadLetter.objects.get()
    assert (letter.event_id, letter.error) == (ids[0], "refused with status 422")
    assert feed_problems() == "webhook: 1 dead letters"
    deliver_feeds()
    assert len(receiver.requests) == 7
    DeadLetter.objects.update(is_due=True)
    deliver_feeds()
    assert receiver.ids[7:] == ids[:1]
    assert not DeadLetter.objects.exists()
    assert feed_problems() == ""
    assert "hidden" not in caplog.text + repr(feeds)
    assert "whsec_" not in caplog.text + repr(feeds)


def test_private_addresses_and_unknown_certificates_are_refused(db, settings, tmp_path):
    certificate = write_certificate(tmp_path / "receiver.pem")
    with running_receiver(certificate) as server:
        url = f"https://127.0.0.1:{server.server_port}/"
        refused = FeedSettings(webhook=url, secrets=SECRETS)
        settings.AUDIT_FEEDS = refused
        deliver_feeds()
        ids = seal(1)
        deliver_feeds()
        assert "private" in Feed.objects.get().error
        settings.AUDIT_FEEDS = replace(refused, allows_private=True)
        make_due()
        deliver_feeds()
        assert "CERTIFICATE_VERIFY_FAILED" in Feed.objects.get().error
        assert not server.requests
        settings.AUDIT_FEEDS = replace(settings.AUDIT_FEEDS, ca_file=str(certificate))
        make_due()
        deliver_feeds()
        assert server.ids == ids


def test_a_worker_that_lost_its_claim_stores_nothing(feeds, receiver):
    seal(1)
    feed = delivery.claim_feed("webhook")
    assert delivery.claim_feed("webhook") is None
    Feed.objects.update(claimed_until=feed.claimed_until - timedelta(minutes=2))
    assert delivery.claim_feed("webhook").claim == feed.claim + 1
    delivery.deliver_feed(feed, webhook.WebhookSender())
    assert Feed.objects.get().position == 0


def test_a_feed_that_is_late_is_an_alarm(feeds, receiver):
    receiver.answers = [500]
    seal(1)
    deliver_feeds()
    [state] = feed_states()
    assert (state.host, state.waiting, state.is_late) == ("127.0.0.1", 1, False)
    assert feed_problems() == ""
    late = state._replace(waits_since=state.waits_since - timedelta(minutes=16))
    assert late.is_late


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_after_a_kill_between_sending_and_storing_every_event_comes_in_order(
    settings, receiver, monkeypatch
):
    use_feed(settings, receiver)
    ids = seal(4)
    connections.close_all()
    child = os.fork()
    if child == 0:
        receiver.socket.close()
        die_after_sending(3)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert receiver.ids == ids[:3]
    deliver_feeds()  # the dead worker still has the feed
    assert len(receiver.requests) == 3
    Feed.objects.update(claimed_until=None)
    deliver_feeds()
    assert receiver.ids == ids[:3] + ids[2:]
    bodies = [json.loads(body)["data"]["metadata"]["uid"] for _, body in receiver.requests]
    assert bodies == [str(each) for each in receiver.ids]


def die_after_sending(number: int) -> None:
    """Kills this process after it has sent so many events, before it stores the last one."""
    store, sent = delivery.store_progress, []

    def store_or_die(feed, **values):
        sent.append(values.get("position"))
        if len(sent) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        store(feed, **values)

    delivery.store_progress = store_or_die
    try:
        deliver_feeds()
    finally:
        os._exit(1)
