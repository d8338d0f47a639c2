"""Sealing: every event takes one place, in order, whoever seals and however often."""

from datetime import timedelta
from hashlib import sha256
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests.audit.tampering import SESSION, in_session, make_events, mark_erased, sealed
from tests.builders import make_user
from tests.threads import at_once
from users.audit import chain
from users.audit.blanking import blank_events
from users.audit.models import AuditEvent, ChainHead
from users.audit.record import record_event
from users.audit.tasks import seal_audit_chain
from users.audit.trail.tokens import json_tokens, scalar_token
from users.audit.verification.chain_check import verify_chain
from users.health.alarms import oldest_unsealed
from users.jobs.schedule import EVERY_MINUTE

pytestmark = pytest.mark.django_db


def positions() -> list[int | None]:
    return list(AuditEvent.objects.order_by("pk").values_list("chain_position", flat=True))


def test_events_are_sealed_in_the_order_of_writing():
    make_events(3)
    assert chain.seal_waiting_events() == 3
    make_events(2)
    assert chain.seal_waiting_events() == 2
    assert positions() == [1, 2, 3, 4, 5]
    last = AuditEvent.objects.get(chain_position=5)
    head = ChainHead.objects.get()
    assert (head.position, bytes(head.hash)) == (5, bytes(last.chain_hash))
    assert bytes(last.chain_previous) == bytes(AuditEvent.objects.get(chain_position=4).chain_hash)


def test_sealing_again_changes_nothing():
    make_events(2)
    chain.seal_waiting_events()
    before = list(AuditEvent.objects.order_by("pk").values_list())
    assert chain.seal_waiting_events() == 0
    assert list(AuditEvent.objects.order_by("pk").values_list()) == before


def test_each_event_has_a_salt_of_its_own():
    salts = [bytes(event.chain_salt) for event in sealed(3)]
    assert len(set(salts)) == 3
    assert {len(salt) for salt in salts} == {32}


def test_many_events_take_many_batches_and_an_interruption_loses_none():
    make_events(7)
    with patch.object(chain, "BATCH_SIZE", 2):
        assert chain.seal_waiting_events(seconds=-1) == 2
        assert positions() == [1, 2, None, None, None, None, None]
        assert chain.seal_waiting_events() == 5
    assert verify_chain().fault == ""


def test_a_task_seals_every_minute():
    assert "users.audit.tasks.seal_audit_chain" in EVERY_MINUTE
    make_events(1)
    seal_audit_chain()
    assert positions() == [1]


@pytest.mark.django_db(transaction=True)
def test_several_workers_never_fork_the_chain():
    make_events(120)
    with patch.object(chain, "BATCH_SIZE", 7):
        answers = at_once(*[chain.seal_waiting_events] * 4)
    assert sum(answers) == 120, answers
    assert sorted(positions()) == list(range(1, 121))
    verdict = verify_chain()
    assert (verdict.fault, verdict.events) == ("", 120)


def test_an_event_that_is_committed_late_is_sealed_too():
    late = make_events(1)[0]
    with patch.object(
        chain,
        "events_to_seal",
        lambda head: AuditEvent.objects.filter(pk__gt=late.pk, chain_position=None).order_by("pk"),
    ):
        make_events(2)
        chain.seal_waiting_events()
    ChainHead.objects.update(looked_at=timezone.now() - timedelta(hours=1))
    assert chain.seal_waiting_events() == 1
    assert positions() == [3, 1, 2]
    assert verify_chain().fault == ""


def test_the_session_is_the_last_value_of_the_actor_if_there_is_one():
    """Without one the digest is that of events from before there were sessions."""
    make_events(1)
    with in_session():
        make_events(1)
    rows = chain.event_rows(AuditEvent.objects.order_by("pk"))
    texts = ('["nobody",null,""]', f'["nobody",null,"","{SESSION}"]')
    for row, text in zip(rows, texts, strict=True):
        expected = sha256(b"s" * 16 + text.encode()).digest()
        assert chain.part_digest("actor", row, b"t" * 16 + b"s" * 16) == expected


# --- erasing --------------------------------------------------------------------------------------


def blank(events, *parts: str) -> int:
    with transaction.atomic():
        return blank_events(events, *parts)


def test_the_values_of_the_target_go_and_the_chain_verifies():
    ada = make_user()
    eve = make_user()
    record_event(
        "account.edited",
        actor=eve,
        target=ada,
        before={"phone": "+1"},
        after={"phone": "+2", "x": None},
        reason="moved",
    )
    chain.seal_waiting_events()
    make_events(2)
    assert blank(AuditEvent.objects.filter(target_id=ada.pk), "target") == 1
    event = AuditEvent.objects.get(target_id=ada.pk)
    assert (event.target_text, event.before, event.after, event.reason) == (
        "",
        {"phone": None},
        {"phone": None, "x": None},
        "",
    )
    assert (event.actor_text, event.actor_id) == (eve.username, eve.pk)
    assert bytes(event.chain_salt)[:16] == bytes(16) != bytes(event.chain_salt)[16:]
    assert event.erased_at
    mark_erased(ada)
    assert (verify_chain().fault, verify_chain().erased) == ("", 1)


def test_the_values_of_the_actor_go_alone_or_after_those_of_the_target():
    ada = make_user()
    with in_session():
        record_event("account.edited", actor=ada, target=ada, after={"phone": "+2"})
    everything = AuditEvent.objects.filter(action="account.edited")
    assert blank(everything, "actor") == 1
    event = everything.get()
    assert (event.actor_text, event.ip, event.user_agent, event.session_id, event.after) == (
        "",
        None,
        "",
        None,
        {"phone": "+2"},
    )
    assert blank(everything, "target") == 1
    assert bytes(everything.get().chain_salt) == bytes(32)
    mark_erased(ada)
    assert verify_chain().fault == ""


def test_events_that_are_not_sealed_are_sealed_first():
    ada = make_user()
    middle = make_events(3, target=ada, actor=ada)[1]
    assert blank(AuditEvent.objects.filter(pk=middle.pk), "target", "actor") == 2
    assert positions() == [None, 1, None]
    chain.seal_waiting_events()
    assert positions() == [2, 1, 3]
    mark_erased(ada)
    assert (verify_chain().fault, verify_chain().events) == ("", 4)


def test_erasing_again_takes_nothing():
    sealed(2)
    assert blank(AuditEvent.objects.all(), "target", "actor") == 4
    before = list(AuditEvent.objects.order_by("pk").values_list())
    assert blank(AuditEvent.objects.all(), "target", "actor") == 0
    assert list(AuditEvent.objects.order_by("pk").values_list()) == before


def test_erasing_takes_batches(monkeypatch):
    monkeypatch.setattr(chain, "BATCH_SIZE", 2)
    ada = make_user()
    make_events(5, target=ada)
    assert blank(AuditEvent.objects.all(), "target") == 5
    mark_erased(ada)
    assert (verify_chain().fault, verify_chain().erased) == ("", 5)


def test_the_same_values_have_the_same_bytes_on_every_database():
    assert (
        chain.canonical_json([{"b": "ü", "a": [1, True, None]}, "x"])
        == b'[{"a":[1,true,null],"b":"\\u00fc"},"x"]'
    )


def test_an_event_without_names_of_fields_does_not_stop_the_sealing():
    sealed(1)
    [row] = chain.event_rows(AuditEvent.objects.all())
    assert len(chain.event_hash(row._replace(before=5, after=None), 1, b"", b"", b"")) == 32
    assert scalar_token("5") in json_tokens([{"phone": 5}])


@pytest.mark.postgresql
def test_waiting_events_are_read_without_sorting_all_of_them():
    """Statistics do not know the events of the last minutes: sorting them for each batch took fifty
    times as long.
    """
    switches = []

    def look(execute, sql, params, many, context):
        if sql.startswith("SELECT") and '"chain_position" IS NULL' in sql:
            with connection.cursor() as cursor:
                cursor.execute("SHOW enable_sort")
                switches.append(cursor.fetchone())
        return execute(sql, params, many, context)

    make_events(2)
    for read in (oldest_unsealed, chain.seal_waiting_events):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_sort = on")
        with connection.execute_wrapper(look):
            read()
    assert switches == [("off",), ("off",)]
