"""The former values of accounts: stored with the event of the change, and found later."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.builders import make_superuser, make_user
from users.access import CommandActor
from users.audit import chain, former_backfill
from users.audit.former_rows import (
    FormerRow,
    former_holders,
    former_values_of,
    value_digests,
)
from users.audit.former_values import FormerValue, FormerValuePosition
from users.audit.models import AuditEvent, ChainHead
from users.audit.record import build_event, record_event
from users.audit.redaction import redact_events
from users.audit.tasks import backfill_former_values
from users.caching.generation import ACCOUNTS, current_generations
from users.models import User
from users.verbs.erasure.verb import erase_account
from users.verbs.profile.verb import edit_own_profile, edit_profile

pytestmark = pytest.mark.django_db
COMMAND = CommandActor("test")
NEW_VALUES = {
    "phone": "+4915100000",
    "first_name": "Ann",
    "email": "other@example.com",
    "username": "other",
}


@pytest.fixture
def kim(db) -> User:
    return make_user(username="kim", email="Kim@old.example", last_name="Doe", phone="+4915112345")


def edit(account: User, **changes: Any) -> User:
    return edit_profile(account, by=COMMAND, version=None, **changes)


def holders(text: str) -> list[FormerRow]:
    return former_holders(value_digests(text), limit=10)


def names(rows: list[FormerRow]) -> list[tuple[str, str]]:
    return [(row.field, row.value) for row in rows]


def test_an_edit_stores_what_it_replaces_with_the_time_of_its_event(kim):
    edit(kim, email="kim@new.example", last_name="Smith", locale="de")
    event = AuditEvent.objects.get(action="account.edited")
    rows = sorted(former_values_of(kim.pk, limit=10), key=lambda row: row.field)
    assert names(rows) == [("email", "Kim@old.example"), ("last_name", "Doe")]
    assert {(row.event_id, row.until, row.since) for row in rows} == {(event.pk, event.at, None)}
    assert rows[0].joined == kim.date_joined


def test_a_value_began_when_the_one_before_it_ended(kim):
    edit(kim, phone="")
    edit(kim, phone="+4915199999")
    edit(kim, phone="+4915100000")
    first, second, third = AuditEvent.objects.order_by("pk")
    newest, oldest = former_values_of(kim.pk, limit=10)
    assert (newest.value, newest.since, newest.until) == ("+4915199999", second.at, third.at)
    assert (oldest.value, oldest.since, oldest.until) == ("+4915112345", None, first.at)


def test_the_person_s_own_edit_stores_it_too(kim):
    edit_own_profile(kim, version=kim.version, last_name="Smith")
    assert names(holders("doe")) == [("last_name", "Doe")]


@pytest.mark.parametrize(
    "typed", ["kim@old.example", " KIM@OLD.example ", "kim@old.example".replace("k", "Ｋ")]
)
def test_a_value_is_found_as_present_ones_are(kim, typed):
    edit(kim, email="kim@new.example")
    assert [row.account_id for row in holders(typed)] == [kim.pk]


@pytest.mark.parametrize(
    ("field", "value", "typed"),
    [
        ("phone", "+4915112345", "+49 151 12345"),
        ("first_name", "Zoë", "zoe"),
        ("email", "kim@bücher.example", "kim@xn--bcher-kva.example"),
        ("username", "kïm", "KÏM"),
    ],
)
def test_accents_and_separators_differ_as_they_do_in_searches(field, value, typed):
    account = make_user(**{field: value})
    edit(account, **{field: NEW_VALUES[field]})
    assert names(holders(typed)) == [(field, value)]


def test_events_of_a_bulk_insertion_store_them_in_one_statement(kim):
    others = [make_user(last_name=f"Name{number}") for number in range(20)]
    events = [
        build_event(
            "account.updated_by_import",
            actor=COMMAND,
            target=account,
            before={"last_name": account.last_name, "locale": ""},
            after={"last_name": "New", "locale": "de"},
        )
        for account in others
    ]
    with CaptureQueriesContext(connection) as queries:
        AuditEvent.objects.bulk_create(events)
    inserted = [entry for entry in queries if "INTO users_formervalue" in entry["sql"]]
    assert len(inserted) == 1
    assert FormerValue.objects.count() == 20
    assert [row.account_id for row in holders("name7")] == [others[7].pk]


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("account.edited", {"locale": "de"}, {"locale": "en"}),
        ("account.created", {}, {"email": "kim@old.example"}),
        ("account.edited", {"email": "a@example.com"}, {"email": "a@example.com"}),
        ("account.edited", {"email": None}, {"email": "a@example.com"}),
        ("note.edited", {"email": "a@example.com"}, {"email": ""}),
        ("denied", {"email": "a@example.com"}, {"email": ""}),
    ],
)
def test_other_events_store_nothing_and_cost_no_statement(kim, action, before, after):
    with CaptureQueriesContext(connection) as queries:
        record_event(action, actor=COMMAND, target=kim, before=before, after=after)
    assert not [entry for entry in queries if "users_formervalue" in entry["sql"]]


def test_a_change_that_is_rolled_back_leaves_none(kim):
    with transaction.atomic():
        edit(kim, last_name="Smith")
        transaction.set_rollback(True)
    assert not FormerValue.objects.exists()


def test_an_erasure_deletes_them_and_later_reading_brings_none_back(kim):
    edit(kim, last_name="Smith", username="kim2")
    other = make_user(last_name="Doe")
    edit(other, last_name="Roe")
    erase_account(kim, by=make_superuser(), reason="Request 1")
    settle()
    backfill_former_values()
    assert [row.account_id for row in holders("doe")] == [other.pk]
    assert not FormerValue.objects.filter(account_id=kim.pk).exists()


def settle() -> None:
    """Seals all events, and marks them as those below which no other is committed."""
    chain.seal_waiting_events()
    newest = ChainHead.objects.get().newest_id
    ChainHead.objects.update(settled_id=newest)


def test_older_events_are_read_in_batches_that_resume(kim, monkeypatch):
    monkeypatch.setattr(former_backfill, "BATCH_IDS", 2)
    for number in range(5):
        kim = edit(kim, last_name=f"Name{number}")
    FormerValue.objects.all().delete()
    settle()
    assert former_backfill.read_next_batch() == (2, False)
    assert former_backfill.reads_old_events() is False
    assert former_backfill.record_missing_values() == 3
    assert former_backfill.record_missing_values() == 0
    values = [row.value for row in former_values_of(kim.pk, limit=10)]
    assert values == ["Name3", "Name2", "Name1", "Name0", "Doe"]


def test_events_that_sql_has_inserted_are_found_and_raise_the_generation(kim):
    record_event(
        "account.changed_outside",
        actor=None,
        target=kim,
        before={"email": "kim@old.example"},
        after={"email": "kim@new.example"},
    )
    stored = FormerValue.objects.all()
    stored.delete()
    settle()
    before = current_generations()[ACCOUNTS]
    backfill_former_values()
    assert names(holders("kim@old.example")) == [("email", "kim@old.example")]
    found = current_generations()[ACCOUNTS]
    assert found != before
    backfill_former_values()
    assert current_generations()[ACCOUNTS] == found
    assert FormerValuePosition.objects.get().found == 1


def test_events_that_are_not_settled_wait(kim):
    edit(kim, last_name="Smith")
    FormerValue.objects.all().delete()
    chain.seal_waiting_events()
    assert former_backfill.record_missing_values() == 0


def test_unread_events_of_some_time_ago_are_noticed(kim, monkeypatch):
    edit(kim, last_name="Smith")
    monkeypatch.setattr(former_backfill, "USUAL_DELAY", -former_backfill.USUAL_DELAY)
    assert former_backfill.reads_old_events()
    settle()
    backfill_former_values()
    assert not former_backfill.reads_old_events()


def test_a_value_goes_when_its_event_loses_the_name_of_an_erased_person(kim):
    former_backfill.record_missing_values()
    edit(kim, email="kim@new.example")
    event = AuditEvent.objects.get(action="account.edited")
    generation = current_generations()[ACCOUNTS]
    with transaction.atomic():
        redact_events({event.pk: {"reason": "[erased]"}})
    assert names(holders("kim@old.example")) == [("email", "Kim@old.example")]
    with transaction.atomic():
        redact_events({event.pk: {"before": {"email": "[erased]"}}})
    assert (holders("kim@old.example"), former_values_of(kim.pk, limit=10)) == ([], [])
    assert current_generations()[ACCOUNTS] != generation
