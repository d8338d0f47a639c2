"""Inserts of one row, compiled once: they store what the ORM stores."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from users.audit.models import EVENT_INSERT, AuditEvent
from users.database.clock import current_time, database_now

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
VALUES = {
    "actor_id": 7,
    "actor_text": "Ada % O’Neil",
    "action": "account.edited",
    "target_id": 8,
    "target_text": "kim",
    "target_version": 3,
    "before": {"phone": "+49", "attributes": {"a": [1, None]}},
    "after": {"phone": ""},
    "reason": "100 %s of 'it' \\ \n",
    "ip": "2001:db8::7",
}


def stored(event: AuditEvent) -> dict:
    row = AuditEvent.objects.values().get(pk=event.pk)
    del row["id"]
    return row


def test_a_row_is_as_the_orm_stores_it():
    for values in (VALUES, {"actor_text": "nobody", "action": "job.done"}):
        saved = AuditEvent(at=AT, **values)
        saved.save()
        inserted = AuditEvent(at=AT, **values)
        EVENT_INSERT.insert(inserted)
        assert inserted.pk > saved.pk
        assert stored(inserted) == stored(saved)
        assert not inserted._state.adding


def test_the_time_of_the_database_is_an_expression():
    before = current_time()
    for _ in range(2):
        event = AuditEvent(at=database_now(), **VALUES)
        EVENT_INSERT.insert(event)
        assert abs((stored(event)["at"] - before).total_seconds()) < 60
    fixed = AuditEvent(at=AT, **VALUES)
    EVENT_INSERT.insert(fixed)
    assert stored(fixed)["at"] == AT


def test_it_is_one_statement():
    EVENT_INSERT.insert(AuditEvent(at=AT, **VALUES))
    with CaptureQueriesContext(connection) as captured:
        EVENT_INSERT.insert(AuditEvent(at=AT, **VALUES))
    assert len(captured) == 1


def test_what_the_database_refuses_is_its_error():
    EVENT_INSERT.insert(AuditEvent(at=AT, chain_position=5, **VALUES))
    with pytest.raises(IntegrityError), transaction.atomic():
        EVENT_INSERT.insert(AuditEvent(at=AT, chain_position=5, **VALUES))
