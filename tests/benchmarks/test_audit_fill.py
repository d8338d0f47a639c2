"""bin/bench --audit: the trail that it writes is one that pages find and workers continue."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from random import Random

import pytest
from django.db import connection

from benchmarks import audit, audit_fill
from users.audit import chain
from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.audit.trail.blocks import build_blocks
from users.audit.trail.models import AuditBlock

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]
EVENTS = 3_000


@contextmanager
def one_thread() -> Iterator[Executor]:
    """A process would know nothing of the test database."""
    with ThreadPoolExecutor(1) as threads:
        yield threads
        threads.submit(close_connection).result()


def close_connection() -> None:
    """Closes the connection of the thread that calls it."""
    connection.close()


@pytest.fixture
def trail(monkeypatch) -> None:
    monkeypatch.setattr(audit_fill, "indexing_processes", one_thread)
    monkeypatch.setattr(audit_fill, "STEP", 1_600)
    monkeypatch.setattr(audit_fill, "BATCH", 700)
    monkeypatch.setattr(audit_fill, "JOB_SIZE", 40)
    build_event("account.edited", actor=None).save(force_insert=True)
    audit_fill.write_trail(EVENTS)


def index_names() -> set[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "users_auditevent")
        found |= connection.introspection.get_constraints(cursor, "users_auditblock")
    return {name for name, constraint in found.items() if constraint["index"]}


def test_the_trail_is_whole_and_goes_on(trail):
    assert list(AuditEvent.objects.order_by("pk").values_list("pk", flat=True)) == list(
        range(1, EVENTS + 1)
    )
    assert {index.name for index in AuditEvent._meta.indexes} <= index_names()
    assert "audit_block_by_token" in index_names()
    stored = list(AuditBlock._default_manager.order_by("number"))
    expected = build_blocks(list(range((EVENTS + 1) // 512)), position=0)
    assert [row.tokens for row in stored] == [row.tokens for row in expected]
    assert audit_fill.write_trail(EVENTS) == 0
    with pytest.raises(SystemExit, match="Use an empty folder"):
        audit_fill.write_trail(EVENTS + 1)
    build_event("account.edited", actor=None).save(force_insert=True)
    chain.seal_waiting_events()
    newest = AuditEvent.objects.latest("pk")
    assert (newest.pk, newest.chain_position) == (EVENTS + 1, EVENTS + 1)


def test_each_filter_finds_events_of_it(trail, monkeypatch):
    monkeypatch.setattr(audit, "PAGES", 3)
    chance = Random(1)
    empty = set()
    for name, make in audit.filters().items():
        *_, found, _ = audit.measure_filter(name, make, chance)
        if not found:
            empty.add(name)
    absent = {name for name in audit.filters() if "of no event" in name}
    # Random pairs have few events in so short a trail.
    assert (
        absent
        <= empty
        <= absent | {"target+action", "job+outcome", "actor+period", "address+period"}
    )
