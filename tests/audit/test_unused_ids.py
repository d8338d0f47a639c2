"""Ids that no event has: recorded where rollbacks use them up, a fault where they do not."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from tests.audit.tampering import execute, make_events, sealed
from tests.audit.test_event_order import insert
from users.audit.chain import seal_waiting_events
from users.audit.models import AuditEvent, ChainHead
from users.audit.record import record_event
from users.audit.redaction import SystemActor
from users.audit.tasks import seal_audit_chain
from users.audit.unused_ids import UNUSED_ACTION, check_unused_ids, record_unused_ids
from users.audit.verification.chain_check import verify_chain

pytestmark = pytest.mark.django_db


class Rollback(Exception):
    pass


def roll_back() -> int:
    """Writes an event in a transaction that is rolled back, and returns its id."""
    try:
        with transaction.atomic():
            number = make_events(1)[0].pk
            raise Rollback
    except Rollback:
        return number


def seal_and_settle() -> None:
    for _ in range(2):
        seal_waiting_events()
        ChainHead.objects.update(looked_at=timezone.now() - timedelta(minutes=2))
    seal_waiting_events()


def old_event():
    return insert(timezone.now() - timedelta(hours=2))


def records() -> list:
    events = AuditEvent.objects.filter(action=UNUSED_ACTION).order_by("pk")
    return list(events.values_list("after", flat=True))


@pytest.mark.sqlite
def test_a_rollback_leaves_no_gap_on_sqlite():
    make_events(1)
    rolled_back = roll_back()
    assert make_events(1)[0].pk == rolled_back
    seal_and_settle()
    assert verify_chain().fault == ""


@pytest.mark.sqlite
@pytest.mark.parametrize("number", [1, 2])
def test_an_event_that_was_deleted_before_it_was_sealed_is_named_on_sqlite(number):
    first = make_events(1 + number + 1)[0].pk
    execute("DELETE FROM users_auditevent WHERE id BETWEEN %s AND %s", first + 1, first + number)
    seal_waiting_events()
    assert verify_chain().fault == (
        f"the events with IDs {first + 1} to {first + number} are missing"
    )


@pytest.mark.postgresql
def test_unused_ids_are_recorded_an_hour_later_and_counted():
    old_event()
    unused = roll_back()
    old_event()
    seal_and_settle()
    assert (record_unused_ids(), records()) == (1, [{"ids": [[unused, unused]]}])
    seal_waiting_events()
    assert (verify_chain().fault, verify_chain().unused_ids) == ("", 1)
    assert (record_unused_ids(), len(records())) == (0, 1)


@pytest.mark.postgresql
def test_ids_that_may_still_be_committed_are_not_recorded():
    make_events(1)
    roll_back()
    make_events(1)
    seal_and_settle()
    assert record_unused_ids() == 0
    assert (verify_chain().fault, verify_chain().unused_ids) == ("", 0)


@pytest.mark.postgresql
def test_an_event_under_an_id_that_was_recorded_as_unused_is_named():
    old_event()
    unused = roll_back()
    old_event()
    seal_and_settle()
    record_unused_ids()
    ChainHead.objects.update(sealed_until=None)
    insert(timezone.now() - timedelta(hours=2), pk=unused)
    seal_waiting_events()
    assert verify_chain().fault == (
        f"event {unused} was inserted: its ID had been recorded as unused"
    )


@pytest.mark.postgresql
def test_a_missing_id_without_a_record_is_named():
    first = old_event().pk
    old_event()
    old_event()
    seal_and_settle()
    record_unused_ids()
    unsealed = "UPDATE users_auditevent SET chain_position = NULL WHERE id = %s"
    execute(unsealed, first + 1)
    execute("UPDATE users_auditevent SET chain_position = 9 WHERE id = %s", first + 2)
    execute("DELETE FROM users_auditevent WHERE id = %s", first + 1)
    head = ChainHead.objects.get()
    assert check_unused_ids(head) == (
        0,
        f"the events with IDs {first + 1} to {first + 1} are missing",
    )


@pytest.mark.parametrize("listed", ["5", '[["a", "b"]]', "[[1e400, 1e400]]", "[[1, 999999]]"])
def test_a_record_of_another_form_counts_for_nothing(listed):
    sealed(2)
    [forged] = make_events(1)
    content = f'{{"ids": {listed}}}'
    execute(
        "UPDATE users_auditevent SET action = %s, after = %s WHERE id = %s",
        UNUSED_ACTION,
        content,
        forged.pk,
    )
    seal_waiting_events()
    assert (verify_chain().fault, verify_chain().unused_ids) == ("", 0)


def test_a_record_of_ids_that_events_had_before_it_is_named():
    first = sealed(2)[0]
    forged = record_event(UNUSED_ACTION, actor=SystemActor(), after={"ids": [[first.pk, first.pk]]})
    seal_waiting_events()
    verdict = verify_chain()
    assert (verdict.kind, verdict.fault) == (
        "inserted",
        f"event {forged.pk} was inserted: it records the ID of event {first.pk} as unused",
    )


@pytest.mark.postgresql
def test_the_task_records_them():
    old_event()
    roll_back()
    old_event()
    seal_and_settle()
    seal_audit_chain()
    assert len(records()) == 1
