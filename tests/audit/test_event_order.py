"""Times and ids of events fit their neighbours, or the verifier names the first that does not."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from tests.audit.tampering import make_events, sealed
from users.audit import chain
from users.audit.models import AuditEvent, ChainHead
from users.audit.record import build_event
from users.audit.verification.chain_check import verify_chain

pytestmark = pytest.mark.django_db


class Clock:
    """One moment for all times of a test."""

    now = timezone.now()


@pytest.fixture(autouse=True)
def moment(monkeypatch):
    monkeypatch.setattr(Clock, "now", timezone.now())


def ago(**length: int):
    return Clock.now - timedelta(**length)


def insert(at, pk: int | None = None) -> AuditEvent:
    """What a plain INSERT of somebody who knows the password of the application writes."""
    event = build_event("account.edited", actor=None, reason="forged")
    event.at = at
    event.pk = pk
    event.save(force_insert=True)
    return event


def time(at) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


@pytest.mark.parametrize("age", [{"hours": 17}, {"days": 30}, {"days": 730}])
def test_an_event_with_an_earlier_time_is_never_sealed_and_named(age):
    sealed(3)
    forged = insert(ago(**age))
    assert chain.seal_waiting_events() == 0
    assert verify_chain().fault == (
        f"event {forged.pk} was inserted after the events of its time were sealed: "
        f"it is dated {time(ago(**age))}"
    )


def test_an_event_of_a_quiet_time_is_named_too():
    insert(ago(days=3))
    chain.seal_waiting_events()
    forged = insert(ago(days=2))
    assert chain.seal_waiting_events() == 0
    assert verify_chain().fault.startswith(f"event {forged.pk} was inserted after")


def test_what_waited_for_a_worker_is_sealed_however_old_it_is():
    insert(ago(days=3))
    chain.seal_waiting_events()
    ChainHead.objects.update(sealed_until=ago(days=3))
    insert(ago(days=2))
    make_events(1)
    assert chain.seal_waiting_events() == 2
    assert verify_chain().fault == ""


def test_an_event_that_was_committed_late_is_no_fault():
    make_events(1)
    late = insert(ago(minutes=50))
    assert chain.seal_waiting_events() == 2
    assert verify_chain().fault == ""
    assert late.pk


def test_an_earlier_time_behind_a_later_one_is_named_in_the_chain():
    first = make_events(1)[0]
    forged = insert(ago(hours=2))
    assert chain.seal_waiting_events() == 2
    assert verify_chain().fault == (
        f"event {forged.pk} at position 2 is dated {time(ago(hours=2))}, "
        f"but event {first.pk} before it {time(first.at)}"
    )


def test_a_time_in_the_future_is_named():
    forged = insert(Clock.now + timedelta(hours=3))
    make_events(1)
    chain.seal_waiting_events()
    assert verify_chain().fault == (
        f"event {forged.pk} at position 1 is dated {time(Clock.now + timedelta(hours=3))}, "
        "which is in the future"
    )


def test_a_new_event_under_an_old_id_is_named():
    first = insert(ago(days=3))
    insert(ago(days=2), pk=first.pk + 2)
    chain.seal_waiting_events()
    forged = insert(Clock.now, pk=first.pk + 1)
    assert chain.seal_waiting_events() == 1
    assert verify_chain().fault == (
        f"event {forged.pk} at position 3 is dated {time(Clock.now)}, "
        f"but event {first.pk + 2} after it {time(ago(days=2))}"
    )


def test_an_erasure_while_no_worker_runs_seals_out_of_order_and_is_no_fault():
    insert(ago(days=2))
    newest = make_events(1)[0]
    with transaction.atomic():
        chain.seal_event(newest)
    assert chain.seal_waiting_events() == 1
    assert AuditEvent.objects.get(pk=newest.pk).chain_position == 1
    assert verify_chain().fault == ""
