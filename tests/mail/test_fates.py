"""What providers reported, applied to messages, accounts and suppressed addresses."""

from datetime import timedelta
from itertools import count, permutations

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.plans import reset_planner
from users.audit.models import AuditEvent
from users.caching.generation import current_generations
from users.mail import fates
from users.mail.fates import apply_events
from users.mail.forgetting import erase_delivery_events
from users.mail.models import DeliveryEvent, Message, Suppression
from users.mail.suppressions import address_suppressions
from users.verbs.erasure.verb import erase_account

pytestmark = pytest.mark.django_db

numbers = count(1)
START = timezone.now() - timedelta(hours=1)


def make_message(account=None, **fields) -> Message:
    account = account or make_user()
    sent = {"state": "sent", "sent_at": START, "kind": "password-reset", "to": account.email}
    return Message.objects.create(account=account, **sent | fields)


def report(kind: str, message: Message | None = None, **fields) -> DeliveryEvent:
    """Stores an event about a message, a minute after the one before."""
    number = next(numbers)
    shared = {
        "key": f"{number}",
        "provider": "postmark",
        "message_id": message.message_id if message else "",
        "recipient": message.to if message else "someone@example.com",
        "at": START + timedelta(seconds=number),
    }
    return DeliveryEvent.objects.create(kind=kind, **shared | fields)


def fate(message: Message) -> tuple[str, object]:
    message.refresh_from_db()
    return message.fate, message.fate_at


EVENTS = {
    "deferred": {"kind": "deferred"},
    "soft-bounced": {"kind": "bounced"},
    "delivered": {"kind": "delivered"},
    "complained": {"kind": "complained"},
}


def test_in_any_order_the_highest_fate_stays_with_its_time():
    for order in permutations(EVENTS):
        message = make_message()
        stored = {name: report(message=message, **EVENTS[name]) for name in order}
        apply_events()
        assert fate(message) == ("complained", stored["complained"].at), order


def test_a_late_event_takes_no_fate_back():
    message = make_message()
    bounced = report("bounced", message, is_permanent=True)
    apply_events()
    for kind in ("delivered", "deferred", "unsubscribed"):
        report(kind, message, at=timezone.now())
    apply_events()
    assert fate(message) == ("bounced", bounced.at)
    assert not DeliveryEvent.objects.filter(applied_at=None).exists()


@pytest.mark.parametrize(
    ("kind", "state", "is_sent"),
    [
        ("delivered", "unknown", True),
        ("delivered", "waiting", True),
        ("delivered", "failed", True),
        ("deferred", "unknown", True),
        ("bounced", "unknown", True),
        ("deferred", "waiting", False),
        ("delivered", "dropped", False),
    ],
)
def test_an_event_shows_that_an_email_was_sent(kind, state, is_sent):
    message = make_message(state=state, sent_at=None, error="Connection lost")
    event = report(kind, message)
    apply_events()
    message.refresh_from_db()
    wanted = ("sent", event.at, "") if is_sent else (state, None, "Connection lost")
    assert (message.state, message.sent_at, message.error) == wanted


def test_a_permanent_bounce_marks_the_account_with_an_event_and_a_new_generation():
    account = make_user(username="ada")
    message = make_message(account)
    generations = current_generations()
    first = report("bounced", message, is_permanent=True)
    report("bounced", message, is_permanent=True)
    apply_events()
    account.refresh_from_db()
    assert (account.email_bounced_at, account.version) == (first.at, 2)
    assert current_generations()["accounts"] != generations["accounts"]
    event = AuditEvent.objects.get(action="account.email_bounced")
    assert (event.target_id, event.target_version) == (account.pk, 2)
    assert [each.source for each in address_suppressions(account.email)] == ["invalid"]


def test_a_bounce_that_passes_and_one_of_a_former_address_mark_no_account():
    account = make_user()
    report("bounced", make_message(account))
    report("bounced", make_message(account, to="former@example.com"), is_permanent=True)
    apply_events()
    account.refresh_from_db()
    assert (account.email_bounced_at, account.version) == (None, 1)
    assert not address_suppressions(account.email)
    assert [each.source for each in address_suppressions("former@example.com")] == ["invalid"]


@pytest.mark.parametrize(
    ("kind", "source"), [("complained", "complaint"), ("unsubscribed", "unsubscribed")]
)
def test_a_complaint_and_unsubscribing_take_consent_back(kind, source):
    account = make_user(accepts_announcements=True)
    other = make_user(accepts_announcements=True)
    report(kind, make_message(account))
    report(kind, make_message(other, to="former@example.com"))
    apply_events()
    for each in (account, other):
        each.refresh_from_db()
    assert (account.accepts_announcements, account.version) == (False, 2)
    assert other.accepts_announcements
    event = AuditEvent.objects.get(action="account.consent_withdrawn")
    assert event.after == {"accepts_announcements": False}
    assert [each.source for each in address_suppressions(account.email)] == [source]
    assert Suppression.objects.count() == 2


def test_the_providers_id_finds_a_message_and_the_event_names_it_from_then_on():
    message = make_message(provider_id="theirs")
    event = report("delivered", provider_id="theirs", provider="mailersend")
    apply_events()
    event.refresh_from_db()
    assert fate(message)[0] == "delivered"
    assert event.message_id == message.message_id


def test_an_event_waits_a_minute_for_its_message_and_is_marked_then():
    late = report("delivered", provider_id="theirs", provider="mailersend")
    old = report(
        "bounced", message_id="f" * 32, received_at=START, detail="550 no", provider_id="x"
    )
    assert apply_events() == 1
    late.refresh_from_db()
    assert late.applied_at is None
    old.refresh_from_db()
    assert old.applied_at
    assert (old.message_id, old.provider_id, old.recipient, old.detail) == ("", "x", "", "")
    message = make_message(provider_id="theirs")
    assert apply_events() == 1
    assert fate(message)[0] == "delivered"


def test_batches_go_on_behind_events_that_wait(monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(fates, "BATCH", 5)
    for _ in range(7):
        report("delivered", provider_id="not yet")
    message = make_message()
    for _ in range(9):
        report("delivered", message)
    with django_assert_max_num_queries(4 * 9):
        assert apply_events() == 9
    assert DeliveryEvent.objects.filter(applied_at=None).count() == 7


def test_an_event_about_an_erased_person_suppresses_the_address_and_forgets_it():
    message = make_message(make_user(status="erased", email="", deleted_at=START), to="")
    event = report("bounced", message, is_permanent=True, recipient="gone@example.com", detail="x")
    apply_events()
    event.refresh_from_db()
    assert (event.recipient, event.detail, fate(message)[0]) == ("", "", "bounced")
    assert len(address_suppressions("gone@example.com")) == 1


def test_a_kind_of_a_newer_release_is_left_to_its_workers():
    event = report("forwarded", make_message())
    assert apply_events() == 0
    event.refresh_from_db()
    assert event.applied_at is None


def test_a_refusal_of_the_mail_server_marks_the_account_too():
    account = make_user()
    message = make_message(account, state="failed")
    assert fates.mark_address_bounced(message)
    assert not fates.mark_address_bounced(message)
    assert not fates.mark_address_bounced(make_message(account, to="former@example.com"))
    account.refresh_from_db()
    assert account.email_bounced_at
    assert AuditEvent.objects.filter(action="account.email_bounced").count() == 1


def test_an_event_that_fails_is_left_out_and_stops_no_other(monkeypatch, caplog):
    messages = [make_message() for _ in range(3)]
    stored = [report("delivered", each) for each in messages]
    move_forward = fates.move_forward

    def fail_for_one(message, event):
        if event == stored[1]:
            raise ValueError("year -1 is out of range")
        return move_forward(message, event)

    monkeypatch.setattr(fates, "move_forward", fail_for_one)
    apply_events()
    assert [fate(each)[0] for each in messages] == ["delivered", "", "delivered"]
    assert not DeliveryEvent.objects.filter(applied_at=None).exists()
    assert DeliveryEvent.objects.get(pk=stored[1].pk).recipient == ""
    assert f"Delivery event {stored[1].pk} can't be applied" in caplog.text


def test_a_database_that_fails_leaves_events_for_the_next_run(monkeypatch):
    report("delivered", make_message())

    def fail(pairs):
        raise OperationalError("deadlock detected")

    monkeypatch.setattr(fates, "apply_to_messages", fail)
    with pytest.raises(OperationalError):
        apply_events()
    assert DeliveryEvent.objects.get().applied_at is None


def test_an_erasure_finds_reports_by_the_index_of_their_messages():
    account = make_user()
    reset_planner("users_deliveryevent", "users_message")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        with CaptureQueriesContext(connection) as queries:
            erase_delivery_events(account)
        named = next(each["sql"] for each in queries if 'U0."message_id"' in each["sql"])
        option = "" if connection.vendor == "postgresql" else "QUERY PLAN"
        cursor.execute(f"EXPLAIN {option} {named}")
        plan = str(cursor.fetchall())
    assert "delivery_event_by_message" in plan


def test_an_erasure_blanks_what_providers_reported():
    account = make_user()
    make_message(account, provider_id="theirs")
    named = report("bounced", make_message(account), detail="550 no", applied_at=START)
    waiting = report("bounced", provider_id="theirs", recipient=account.email)
    other = report("bounced", make_message(), detail="550 no")
    erase_account(account, by=make_superuser(), reason="Asked for", version=1)
    for event in (named, waiting, other):
        event.refresh_from_db()
    assert (named.recipient, named.detail, waiting.recipient) == ("", "", "")
    assert (bool(other.recipient), other.detail) == (True, "550 no")
