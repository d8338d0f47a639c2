"""Suppressed addresses: which emails they stop, and how they survive erasures and new keys."""

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.plans import reset_planner
from users.access import Denied
from users.audit.models import AuditEvent
from users.mail.message_content import drop_reason
from users.mail.models import Letter, Message, Suppression
from users.mail.suppressions import (
    active_suppressions,
    address_digest,
    current_digests,
    describe_suppression,
    lift_suppression,
    load_suppressions,
    respected_sources,
    suppress_address,
    suppressed_digests,
    suppression_reason,
)
from users.models import User
from users.verbs.erasure.verb import erase_account

pytestmark = pytest.mark.django_db
Kind = Message.Kind
Source = Suppression.Source
ADDRESS = "Ada.Lovelace@Bücher.example"
OLD_KEY = "an-earlier-secret-key-that-was-used-before-the-rotation"
SECURITY_KINDS = set(Kind) - {Kind.ANNOUNCEMENT, Kind.LETTER}


def make_message(kind: str, account: User) -> Message:
    letter = None
    if kind in (Kind.LETTER, Kind.ANNOUNCEMENT):
        letter = Letter.objects.create(subject="News", text="Dear {name},", is_bulk=True)
    return Message.objects.create(account=account, kind=kind, to=account.email, letter=letter)


def make_subscriber(**fields) -> User:
    consent = {"email_verified_at": timezone.now(), "accepts_announcements": True}
    return make_user(**consent | fields)


def test_security_mail_stops_only_for_invalid_addresses_and_announcements_for_all():
    assert all(respected_sources(kind) == {Source.INVALID} for kind in SECURITY_KINDS)
    assert respected_sources(Kind.LETTER) == {Source.INVALID, Source.COMPLAINT}
    assert respected_sources(Kind.ANNOUNCEMENT) == set(Source)
    assert respected_sources("a kind of the next release") == {Source.INVALID}


@pytest.mark.parametrize("source", Source)
def test_a_message_is_dropped_for_the_suppressions_that_its_kind_respects(source):
    account = make_subscriber()
    suppress_address(account.email, source)
    for kind in (Kind.PASSWORD_RESET, Kind.LETTER, Kind.ANNOUNCEMENT):
        message = make_message(kind, account)
        reason = drop_reason(message)
        assert bool(reason) == (source in respected_sources(kind))
        if reason:
            assert reason == describe_suppression(Suppression.objects.get())
            assert source.label.lower() in reason
        load_suppressions([message])
        assert drop_reason(message) == reason


def test_an_announcement_needs_consent():
    message = make_message(Kind.ANNOUNCEMENT, make_subscriber(accepts_announcements=False))
    assert drop_reason(message) == "This person no longer accepts announcements."
    assert drop_reason(make_message(Kind.ANNOUNCEMENT, make_subscriber())) == ""


def test_a_batch_of_messages_is_checked_in_one_query(django_assert_num_queries):
    accounts = [make_subscriber() for _ in range(20)]
    messages = [make_message(Kind.ANNOUNCEMENT, account) for account in accounts]
    suppress_address(accounts[7].email, Source.COMPLAINT)
    with django_assert_num_queries(1):
        load_suppressions(messages)
        reasons = [suppression_reason(message) for message in messages]
    assert [bool(reason) for reason in reasons] == [number == 7 for number in range(20)]
    with django_assert_num_queries(1):
        found = suppressed_digests([each.email for each in accounts], Kind.ANNOUNCEMENT)
    assert found == {address_digest(accounts[7].email)}


def test_spellings_of_one_mailbox_have_one_digest_which_is_no_address():
    spellings = [ADDRESS, ADDRESS.upper(), "ada.lovelace@xn--bcher-kva.example"]
    assert len({address_digest(each) for each in spellings}) == 1
    suppress_address(ADDRESS, Source.STAFF, "Asked by phone as ada.lovelace@BÜCHER.example.")
    row = Suppression.objects.get()
    assert row.digest == address_digest(ADDRESS)
    assert row.reason == "Asked by phone as …."


def test_a_suppression_ends_at_its_time_and_a_longer_one_replaces_it():
    now = timezone.now()
    assert suppress_address(ADDRESS, Source.STAFF, until=now + timedelta(days=1))
    assert not suppress_address(ADDRESS, Source.STAFF, until=now + timedelta(hours=1))
    assert suppress_address(ADDRESS, Source.STAFF)
    assert not suppress_address(ADDRESS, Source.STAFF)
    assert suppress_address(ADDRESS, Source.COMPLAINT)
    assert Suppression.objects.count() == 2
    assert AuditEvent.objects.filter(action="suppression.added").count() == 3
    Suppression.objects.update(until=now - timedelta(seconds=1))
    assert not suppressed_digests([ADDRESS], Kind.ANNOUNCEMENT)
    assert suppress_address(ADDRESS, Source.STAFF, until=now + timedelta(hours=1))
    assert suppressed_digests([ADDRESS], Kind.ANNOUNCEMENT)


def test_a_suppression_survives_a_new_secret_key(settings):
    now_key = settings.SECRET_KEY
    settings.SECRET_KEY = OLD_KEY
    suppress_address(ADDRESS, Source.UNSUBSCRIBED)
    settings.SECRET_KEY = now_key
    assert not suppressed_digests([ADDRESS], Kind.ANNOUNCEMENT)
    settings.SECRET_KEY_FALLBACKS = [OLD_KEY]
    assert suppressed_digests([ADDRESS], Kind.ANNOUNCEMENT) == {address_digest(ADDRESS)}
    # It is known under the earlier key, so it is not added again.
    assert not suppress_address(ADDRESS, Source.UNSUBSCRIBED)
    assert lift_suppression(Suppression.objects.get(), by=make_superuser(), reason="Asked to.")
    assert not suppressed_digests([ADDRESS], Kind.ANNOUNCEMENT)


def test_each_change_has_an_event_with_the_digest_about_the_account_that_has_the_address():
    account = make_user()
    manager = make_user("Manager")
    suppress_address(account.email, Source.STAFF, "Asked by phone.", by=manager)
    row = Suppression.objects.get()
    lift_suppression(row, by=manager, reason="Changed their mind.")
    assert not lift_suppression(row, by=manager, reason="Twice.")
    added, lifted = AuditEvent.objects.filter(action__startswith="suppression.").order_by("id")
    values = {"suppression": "staff", "digest": address_digest(account.email), "until": None}
    assert (added.before, added.after, added.reason) == ({}, values, "Asked by phone.")
    assert (lifted.before, lifted.after, lifted.reason) == (values, {}, "Changed their mind.")
    for event in (added, lifted):
        assert (event.actor_id, event.target_id) == (manager.pk, account.pk)


def test_only_those_who_may_manage_suppressions_add_and_lift_them():
    root = make_superuser()
    suppress_address(root.email, Source.INVALID)
    row = Suppression.objects.get()
    agent = make_user("Support")
    with pytest.raises(Denied):
        suppress_address(ADDRESS, Source.STAFF, by=agent)
    with pytest.raises(Denied):
        lift_suppression(row, by=agent, reason="Please.")
    # Nobody changes what an account above their own gets.
    with pytest.raises(Denied):
        lift_suppression(row, by=make_user("Manager"), reason="Please.")
    assert Suppression.objects.get() == row


def test_lifting_a_bounce_lets_emails_to_the_account_be_tried_again():
    at = timezone.now().replace(microsecond=0)
    account = make_user(email_bounced_at=at)
    suppress_address(account.email, Source.INVALID)
    root = make_superuser()
    with CaptureQueriesContext(connection) as queries:
        lift_suppression(Suppression.objects.get(), by=root, reason="Mailbox is back.")
    account.refresh_from_db()
    assert (account.email_bounced_at, account.version) == (None, 2)
    event = AuditEvent.objects.get(action="suppression.lifted")
    assert datetime.fromisoformat(event.before["email_bounced_at"]) == at
    assert event.after == {"email_bounced_at": None}
    assert event.target_version == 2
    # A bounce locks the account before the suppression.
    statements = [each["sql"] for each in queries]
    delete = next(n for n, sql in enumerate(statements) if sql.startswith("DELETE"))
    assert statements[delete - 1].startswith("SELECT")
    assert statements[delete - 1].endswith('OF "users_user"') or connection.vendor == "sqlite"


def test_a_suppressed_address_belongs_to_the_account_that_has_it_at_its_last_bounce():
    former = make_user(email="ada@example.org")
    suppress_address("ada@example.org", Source.INVALID)
    User.objects.filter(pk=former.pk).update(email="other@example.org")
    root = make_superuser(email="ada@example.org", email_bounced_at=timezone.now())
    assert not suppress_address("ada@example.org", Source.INVALID)
    row = Suppression.objects.get()
    assert row.account_id == root.pk
    with pytest.raises(Denied):
        lift_suppression(row, by=make_user("Manager"), reason="Please.")
    lift_suppression(row, by=root, reason="Mailbox is back.")
    root.refresh_from_db()
    assert root.email_bounced_at is None


def test_an_erasure_keeps_the_suppression_and_forgets_the_address():
    account = make_user(username="ada.lovelace", first_name="Augusta")
    address = account.email
    suppress_address(address, Source.COMPLAINT, "Augusta complained by phone.")
    assert Suppression.objects.get().account_id == account.pk
    erase_account(account, by=make_superuser(), reason="Ticket 7.", version=None)
    row = Suppression.objects.get()
    assert row.account_id is None
    assert suppressed_digests([address], Kind.ANNOUNCEMENT) == {row.digest}
    lift_suppression(row, by=make_superuser(), reason="Somebody else has the mailbox now.")
    event = AuditEvent.objects.get(action="suppression.lifted")
    assert (event.target_id, event.target_text) == (None, "")
    events = AuditEvent.objects.exclude(action="account.erased")
    assert address not in str(list(events.values()))


def test_a_thousand_addresses_are_looked_up_by_index():
    """The plan is that of a million suppressions: one probe of the index for each digest."""
    fill_suppressions(50_000)
    addresses = [f"person{each}@example.com" for each in range(1000)]
    suppress_address(addresses[500], Source.STAFF)
    reset_planner("users_suppression")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE users_suppression")
    found = active_suppressions().filter(
        digest__among=list(current_digests(addresses)), source__in=list(Source)
    )
    plan = found.explain()
    if connection.vendor == "postgresql":
        assert re.search("Index Scan (using|on) suppression_once", plan), plan
        assert "Seq Scan" not in plan
    else:
        assert "SEARCH users_suppression USING INDEX" in plan
    assert suppressed_digests(addresses, Kind.ANNOUNCEMENT) == {address_digest(addresses[500])}


# Digests that no address has, by number.
SERIES = {
    "postgresql": "SELECT repeat(md5(value::text), 2) AS digest FROM generate_series(1, %s) value",
    "sqlite": """WITH RECURSIVE series(value) AS (
        SELECT 1 UNION ALL SELECT value + 1 FROM series WHERE value < %s
    ) SELECT printf('%%064x', value) AS digest FROM series""",
}


def fill_suppressions(number: int) -> None:
    """Adds suppressions of addresses that nobody has."""
    columns = "digest, source, reason, created_at"
    values = "digest, 'import', '', CURRENT_TIMESTAMP"
    rows = f"SELECT {values} FROM ({SERIES[connection.vendor]}) numbers"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO users_suppression ({columns}) {rows}", [number])
