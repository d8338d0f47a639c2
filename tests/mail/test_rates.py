"""Limits of the rate: for all workers together, per letter and per recipient's domain."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.db.models import F

from tests.mail.sending import SENT, WAITING, post, states
from tests.mail.test_announcements import announce
from tests.threads import at_once
from users.jobs.queue.payload import read_payload
from users.mail import delivery, rates
from users.mail.delivery import deliver_due_messages
from users.mail.models import Letter, Message, SendingLimit
from users.mail.rates import RateLimit

pytestmark = pytest.mark.django_db
LIMIT = RateLimit("server", timedelta(seconds=0.1))


def wait(seconds: float) -> None:
    """As if the time had passed."""
    passed = timedelta(seconds=seconds)
    SendingLimit.objects.update(ready_at=F("ready_at") - passed)
    Message.objects.update(due_at=F("due_at") - passed)


def take(limit: RateLimit, wanted: int) -> int:
    with transaction.atomic():
        return limit.take_slots(wanted)


def test_a_limit_gives_what_its_rate_allows_and_saves_one_second():
    slow = RateLimit("slow", timedelta(minutes=10))
    assert [take(slow, 5), take(slow, 5)] == [1, 0]
    wait(595)
    assert take(slow, 5) == 0
    wait(6)
    assert take(slow, 5) == 1
    assert take(LIMIT, 100) == 11
    wait(3600)
    assert 11 <= take(LIMIT, 100) <= 13


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_workers_share_a_limit():
    assert sum(at_once(*[lambda: take(LIMIT, 5)] * 4)) in (11, 12)


def test_no_minute_has_more_emails_of_a_letter_than_its_limit():
    for per_minute in (1, 7, 60, 61, 600, 6000):
        [limit] = rates.letter_limits(Letter(pk=1, per_minute=per_minute))
        most = (timedelta(minutes=1) + rates.BURST) // limit.interval + 1
        assert 0.95 * per_minute <= most <= per_minute


def test_a_letter_with_a_limit_sends_so_many_and_lets_the_others_go(postbox, monkeypatch):
    monkeypatch.setattr(delivery, "THROTTLE_SECONDS", 0.01)
    slow, fast = announce(4), announce(3)
    Letter.objects.filter(pk=slow[0].letter_id).update(per_minute=1)
    post(1)
    assert deliver_due_messages(seconds=0.5) == 1 + 1 + 3
    assert states() == [SENT] + [WAITING] * 3 + [SENT] * 4
    assert fast[0].letter_id != slow[0].letter_id
    # It is looked at again at once, and not with the next beat.
    from django_q.models import OrmQ

    task = read_payload(OrmQ.objects.last().payload)
    assert task.path == "users.mail.tasks.deliver_outbox"
    wait(62)
    assert deliver_due_messages(seconds=0.1) == 1
    waiting = Message.objects.filter(state=WAITING)
    assert list(waiting.values_list("attempts", "error")) == [(0, "")] * 2


def test_the_limit_of_the_server_counts_every_email(postbox, settings):
    settings.MAIL_RATE = 0.01
    post(2)
    announce(2)
    assert deliver_due_messages(seconds=0.1) == 1
    assert states() == [SENT, WAITING, WAITING, WAITING]


def test_emails_beyond_the_limit_of_a_domain_get_times_of_their_own(postbox, settings):
    settings.MAIL_DOMAIN_RATES = {"slow.example": 0.1}
    slow, fast = announce(4), announce(2)
    move_to("slow.example", slow)
    before = datetime.now(UTC)
    assert deliver_due_messages() == 1 + 2
    assert states() == [SENT] + [WAITING] * 3 + [SENT] * 2
    held = Message.objects.filter(state=WAITING).order_by("due_at")
    pauses = [round((message.due_at - before).total_seconds()) for message in held]
    assert pauses == [9, 19, 29]
    note = "Delayed by the rate limit for slow.example."
    assert {(message.waiting_reason, message.attempts) for message in held} == {(note, 0)}
    wait(9.5)
    assert deliver_due_messages() == 1
    # Long after its time, it needs a new one: all of them may be due.
    wait(3600)
    assert deliver_due_messages() == 1
    assert states().count(WAITING) == 1
    assert len(fast) == 2


def move_to(domain: str, messages: list[Message]) -> None:
    for message in messages:
        message.account.email = f"p{message.pk}@{domain}"
        message.account.save()
        Message.objects.filter(pk=message.pk).update(to=message.account.email)


def test_a_letter_reserves_slots_of_a_domain_for_two_minutes_only(postbox, settings):
    settings.MAIL_DOMAIN_RATES = {"slow.example": 1 / 50}
    cancelled = announce(6)
    move_to("slow.example", cancelled)
    before = datetime.now(UTC)
    assert deliver_due_messages() == 1
    held = Message.objects.filter(state=WAITING).order_by("due_at", "id")
    pauses = [round((message.due_at - before).total_seconds()) for message in held]
    assert pauses == [49, 99, 120, 120, 120]
    assert SendingLimit.objects.get().ready_at < before + timedelta(minutes=2.5)
    # One without a slot gets one when its time has come, and is not sent beyond the limit.
    wait(150)
    assert deliver_due_messages() == 1
    assert states().count(WAITING) == 4
    # Others wait for no more than the slots of a letter that is cancelled.
    Message.objects.filter(state=WAITING).delete()
    [other] = announce()
    move_to("slow.example", [other])
    assert deliver_due_messages() == 0
    assert Message.objects.get(pk=other.pk).due_at < datetime.now(UTC) + rates.HORIZON


def test_an_email_that_a_domain_delays_uses_no_slot_of_its_letter(postbox, settings, monkeypatch):
    monkeypatch.setattr(delivery, "THROTTLE_SECONDS", 0.01)
    settings.MAIL_DOMAIN_RATES = {"slow.example": 0.001}
    individual, [slow, fast] = post(), announce(2)
    move_to("slow.example", [*individual, slow])
    Letter.objects.update(per_minute=2)
    assert deliver_due_messages(seconds=3) == 2
    assert states() == [SENT, WAITING, SENT]
    assert Message.objects.get(pk=fast.pk).state == SENT


def test_an_individual_email_does_not_wait_for_the_limit_of_a_domain(postbox, settings):
    settings.MAIL_DOMAIN_RATES = {"*": 0.001}
    post(2)
    assert deliver_due_messages() == 2
