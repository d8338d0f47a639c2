"""Events with values that Python can't read: they are named, and stop no others."""

import json
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from tests.audit.tampering import execute, make_events, sealed
from users.audit import chain
from users.audit.models import AuditEvent, ChainHead
from users.audit.tasks import verify_audit_trail
from users.audit.verification.chain_check import verify_chain
from users.audit.verification.models import VerificationRun

pytestmark = pytest.mark.django_db
# Python refuses to read a number with so many digits.
LONG_NUMBER = f'{{"phone": {"1" * 5000}}}'
SET_AFTER = "UPDATE users_auditevent SET after = %s WHERE id = %s"


def spoil(event: AuditEvent) -> None:
    execute(SET_AFTER, LONG_NUMBER, event.pk)


@pytest.mark.parametrize("place", [0, 3])
def test_a_sealed_event_is_named(place):
    events = sealed(5)
    spoil(events[place])
    verdict = verify_chain()
    assert verdict.kind == "edited"
    assert verdict.fault.startswith(f"the event at position {place + 1} can’t be read: ")


def test_an_earlier_fault_is_named_first():
    events = sealed(4)
    execute("UPDATE users_auditevent SET reason = 'x' WHERE id = %s", events[1].pk)
    spoil(events[3])
    assert "at position 2 was changed" in verify_chain().fault


@pytest.mark.postgresql
def test_a_time_without_end_is_named():
    events = sealed(3)
    execute("UPDATE users_auditevent SET at = 'infinity' WHERE id = %s", events[1].pk)
    assert verify_chain().fault.startswith("the event at position 2 can’t be read: ")
    verify_audit_trail()
    faults = VerificationRun.objects.filter(kind="full").values_list("fault", flat=True)
    assert faults[0].startswith("the event at position 2 can’t be read: ")


@pytest.mark.postgresql
def test_a_head_that_can_t_be_read_is_named():
    sealed(1)
    execute("UPDATE users_chainhead SET sealed_until = 'infinity'")
    assert verify_chain().fault.startswith("a value of the audit trail can’t be read: ")
    verify_audit_trail()
    assert VerificationRun.objects.exclude(fault="").count() == 2


def test_one_that_is_not_sealed_yet_stops_no_others(caplog):
    sealed(1)
    events = make_events(5)
    spoil(events[1])
    # A batch without it is not the last one.
    with patch.object(chain, "BATCH_SIZE", 3):
        assert chain.seal_waiting_events() == 4
    assert f"Audit event {events[1].pk} can’t be read" in caplog.text
    left = AuditEvent.objects.filter(chain_position=None).values_list("pk", flat=True)
    assert list(left) == [events[1].pk]
    assert (verify_chain().fault, verify_chain().waiting) == ("", 1)


def test_it_is_named_after_an_hour():
    [spoiled, _] = make_events(2)
    spoil(spoiled)
    hours_ago = timezone.now() - timedelta(hours=2)
    ChainHead.objects.create(pk=1, sealed_until=hours_ago)
    execute("UPDATE users_auditevent SET at = %s WHERE id = %s", hours_ago, spoiled.pk)
    chain.seal_waiting_events()
    ChainHead.objects.update(
        looked_at=timezone.now() - timedelta(minutes=2), sealed_until=hours_ago
    )
    assert verify_chain().fault == ""
    chain.seal_waiting_events()
    ChainHead.objects.update(sealed_until=hours_ago)
    verdict = verify_chain()
    assert (verdict.kind, f"event {spoiled.pk} has waited" in verdict.fault) == ("unsealed", True)


INSERT = """
    INSERT INTO users_auditevent (at, actor_text, action, target_text, before, after,
        reason, ticket, user_agent, request_id)
    VALUES (%s, 'x', 'account.edited', '', '{}', %s, '', '', '', '')
"""


def insert(at: str = "2026-03-01", after: str = "{}") -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(INSERT, [at, after])


@pytest.mark.postgresql
@pytest.mark.parametrize("at", ["infinity", "-infinity", "0999-12-31", "9000-01-01"])
def test_a_time_that_pages_could_not_show_is_refused(at):
    with pytest.raises(DatabaseError, match="time of an audit event"):
        insert(at=at)


@pytest.mark.postgresql
def test_json_that_pages_could_not_read_is_refused():
    levels = 900
    deep = f'{{"a": {"[" * levels}{"]" * levels}}}'
    # PostgreSQL stores it in a few bytes, and writes all of its digits.
    power = '{"a": 1e5000}'
    for unreadable in (LONG_NUMBER, power, deep):
        with pytest.raises(DatabaseError, match="too many levels or digits"):
            insert(after=unreadable)
    # Large and readable.
    insert(after=json.dumps({"text": "1" * 9000, "numbers": [*range(2000)]}))
    insert(after=f'{{"a": {"[" * 100}{"]" * 100}, "b": "{"x" * 5000}"}}')
    assert AuditEvent.objects.count() == 2
