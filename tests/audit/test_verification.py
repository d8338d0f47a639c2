"""The verifier names the first event that somebody tampered with."""

from datetime import timedelta
from unittest.mock import patch
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from tests.audit.tampering import (
    SESSION,
    execute,
    forge_all,
    in_session,
    make_events,
    mark_erased,
    sealed,
)
from tests.builders import make_superuser, make_user
from users.audit import chain
from users.audit.anchors import read_anchors
from users.audit.blanking import blank_events
from users.audit.models import AuditEvent, ChainHead
from users.audit.record import record_event
from users.audit.verification import chain_check, range_check
from users.audit.verification.chain_check import Verdict, verify_chain
from users.models import State, User
from users.verbs.erasure.verb import erase_account

pytestmark = pytest.mark.django_db
OTHER_SESSION = UUID(int=SESSION.int + 1)


def fault(anchors=()) -> str:
    return verify_chain(anchors).fault


def test_a_trail_that_nobody_touched_is_good():
    assert verify_chain() == Verdict()
    sealed(3)
    make_events(2)
    with patch.object(range_check, "BATCH_SIZE", 2), patch.object(chain_check, "RANGE_SIZE", 2):
        assert verify_chain() == Verdict(events=3, waiting=2)


CHANGES = {
    "at": "'2020-01-01 00:00:00+00'",
    "actor_id": "99",
    "actor_text": "'x'",
    "action": "'x'",
    "target_id": "99",
    "target_text": "'x'",
    "target_version": "99",
    "before": "'{\"x\": 1}'",
    "after": '\'{"phone": "+9"}\'',
    "reason": "''",
    "ticket": "'x'",
    "ip": "'192.0.2.1'",
    "user_agent": "'x'",
    "request_id": "'x'",
    "session_id": f"'{SESSION.hex}'",
    "job_id": "99",
}


@pytest.mark.parametrize(("column", "value"), CHANGES.items(), ids=CHANGES)
def test_an_edited_event_is_named(column, value):
    event = sealed(4)[1]
    execute(f"UPDATE users_auditevent SET {column} = {value} WHERE id = %s", event.pk)
    assert fault() == f"event {event.pk} at position 2 was changed after it was sealed"


@pytest.mark.parametrize("value", [None, OTHER_SESSION.hex])
def test_an_edited_session_is_named(value):
    with in_session():
        event = sealed(3)[1]
    assert verify_chain() == Verdict(events=3)
    execute("UPDATE users_auditevent SET session_id = %s WHERE id = %s", value, event.pk)
    assert fault() == f"event {event.pk} at position 2 was changed after it was sealed"


def test_every_column_that_says_something_is_covered():
    chained = {
        "id",
        "erased_at",
        "target_digest",
        "actor_digest",
        *(f"chain_{name}" for name in ("position", "salt", "previous", "hash")),
    }
    assert set(CHANGES) == {field.column for field in AuditEvent._meta.concrete_fields} - chained


def test_another_id_is_noticed():
    event = sealed(2)[1]
    execute("UPDATE users_auditevent SET id = %s WHERE id = %s", 10**9, event.pk)
    assert fault() == f"event {10**9} at position 2 was changed after it was sealed"


def test_a_deleted_event_is_noticed():
    events = sealed(4)
    execute("DELETE FROM users_auditevent WHERE id = %s", events[1].pk)
    assert fault() == f"the event at position 2 is missing; event {events[2].pk} follows at 3"
    execute(
        "UPDATE users_auditevent SET chain_position = chain_position - 1 WHERE chain_position = 3"
    )
    assert fault() == (
        f"event {events[2].pk} at position 2 does not follow the event before it: "
        "an event between them is missing"
    )


def test_events_that_changed_places_are_noticed():
    events = sealed(4)
    for position, event in ((9, events[1]), (2, events[2]), (3, events[1])):
        execute("UPDATE users_auditevent SET chain_position = %s WHERE id = %s", position, event.pk)
    assert fault() == (
        f"event {events[2].pk} at position 2 does not follow the event before it: "
        f"it was sealed after event {events[1].pk}, which is now at position 3"
    )


def test_a_chain_without_its_end_is_noticed():
    events = sealed(4)
    execute("DELETE FROM users_auditevent WHERE id >= %s", events[2].pk)
    assert fault() == "the chain ends at position 2 and should reach 4: its end is missing"


def test_a_chain_without_its_head_is_noticed():
    events = sealed(4)
    execute("DELETE FROM users_auditevent WHERE id >= %s", events[2].pk)
    ChainHead.objects.all().delete()
    assert fault() == "the row with the end of the chain is missing; events continue to position 2"
    execute("DELETE FROM users_auditevent")
    assert fault() == ""  # nothing was ever sealed, for all that the database can tell


def test_an_event_that_is_put_into_the_chain_is_noticed():
    first, second = sealed(2)
    execute("UPDATE users_auditevent SET chain_position = 3 WHERE id = %s", second.pk)
    forged = record_event("account.edited", actor=None)
    values = (2, b"s" * 32, bytes(first.chain_hash), b"h" * 32, forged.pk)
    execute(
        "UPDATE users_auditevent SET chain_position = %s, chain_salt = %s, "
        "chain_previous = %s, chain_hash = %s WHERE id = %s",
        *values,
    )
    assert fault() == f"event {forged.pk} at position 2 was inserted into the chain"


# --- erased events --------------------------------------------------------------------------------


def erased() -> AuditEvent:
    """The second of three events, whose target has been erased since."""
    ada = make_user()
    event = [*make_events(1), *make_events(1, target=ada), *make_events(1)][1]
    chain.seal_waiting_events()
    with transaction.atomic():
        blank_events(AuditEvent.objects.filter(pk=event.pk), "target")
        mark_erased(ada)
    return AuditEvent.objects.get(pk=event.pk)


def test_an_erased_event_is_good():
    erased()
    assert verify_chain() == Verdict(events=4, erased=1)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reason", "'x'"),
        ("after", '\'{"phone": "+1"}\''),
        ("after", '\'{"phone": ""}\''),
        ("target_text", "'x'"),
        ("erased_at", "NULL"),
    ],
)
def test_values_that_came_back_are_noticed(column, value):
    event = erased()
    execute(f"UPDATE users_auditevent SET {column} = {value} WHERE id = %s", event.pk)
    assert (
        fault()
        == f"event {event.pk} at position 2 was erased but contains values of its target again"
    )


@pytest.mark.parametrize("hours", [-3, 3])
def test_an_erasure_at_an_impossible_time_is_noticed(hours):
    event = erased()
    moment = event.erased_at + timedelta(hours=hours)
    execute("UPDATE users_auditevent SET erased_at = %s WHERE id = %s", moment, event.pk)
    assert fault() == (
        f"event {event.pk} at position 2 says that values were removed on "
        f"{moment:%Y-%m-%d %H:%M} UTC, which is no possible time"
    )


@pytest.mark.parametrize(
    ("column", "value"),
    [("action", "'x'"), ("after", "'{\"email\": null}'"), ("actor_text", "'x'")],
)
def test_what_is_left_of_an_erased_event_is_still_covered(column, value):
    event = erased()
    execute(f"UPDATE users_auditevent SET {column} = {value} WHERE id = %s", event.pk)
    assert fault() == f"event {event.pk} at position 2 was changed after it was sealed"


def test_to_call_an_edit_an_erasure_is_noticed():
    """Blanked behind the triggers, with a digest of its own."""
    event = sealed(2)[0]
    execute(
        "UPDATE users_auditevent SET reason = '', after = '{\"phone\": null}', "
        "target_digest = %s, erased_at = at, chain_salt = %s WHERE id = %s",
        b"d" * 32,
        bytes(16) + bytes(event.chain_salt)[16:],
        event.pk,
    )
    assert fault() == f"event {event.pk} at position 1 was changed after it was sealed"


@pytest.mark.parametrize(("part", "whose"), [("target", "ada"), ("actor", "eve")])
def test_values_that_went_without_an_erasure_of_their_owner_are_noticed(part, whose):
    people = {"ada": make_user(), "eve": make_user()}
    event = record_event(
        "account.suspended", actor=people["eve"], target=people["ada"], reason="Grudge"
    )
    with transaction.atomic():
        blank_events(AuditEvent.objects.filter(pk=event.pk), part)
    owner = people[whose]
    lost = f"event {event.pk} at position 1 lost its {part}, but account {owner.pk} was not erased"
    assert fault() == lost
    mark_erased(owner)
    assert fault() == ""


def test_a_forged_event_of_an_erasure_explains_nothing():
    """An UPDATE as erasures make, and an INSERT: what the password of the application allows."""
    ada = make_user()
    event = record_event("account.suspended", actor=None, target=ada, reason="Grudge")
    with transaction.atomic():
        blank_events(AuditEvent.objects.filter(pk=event.pk), "target")
    record_event("account.erased", actor=None, target=ada)
    chain.seal_waiting_events()
    lost = f"event {event.pk} at position 1 lost its target, but account {ada.pk} was not erased"
    assert fault() == lost


def test_an_erasure_explains_no_event_that_came_after_it():
    ada = make_user()
    mark_erased(ada)
    event = record_event("account.edited", actor=None, target=ada, reason="Grudge")
    with transaction.atomic():
        blank_events(AuditEvent.objects.filter(pk=event.pk), "target")
    lost = f"event {event.pk} at position 2 lost its target, but account {ada.pk} was not erased"
    assert fault() == lost


def test_an_erasure_that_is_not_sealed_explains_nothing():
    ada = make_user()
    event = record_event("account.edited", actor=None, target=ada, reason="Grudge")
    with transaction.atomic():
        blank_events(AuditEvent.objects.filter(pk=event.pk), "target")
    User.objects.filter(pk=ada.pk).update(status=State.ERASED, deleted_at=timezone.now())
    record_event("account.erased", actor=None, target=ada)
    assert fault().endswith(f"account {ada.pk} was not erased")


def test_an_erasure_by_its_verb_is_good_at_once():
    ada = make_user()
    record_event("account.edited", actor=ada, target=ada, after={"phone": "+1"})
    erase_account(ada, by=make_superuser(), reason="REQ-1")
    assert verify_chain() == Verdict(events=2, erased=1)


@pytest.mark.parametrize("part", ["target", "actor"])
def test_an_event_about_no_account_loses_nothing(part):
    event = sealed(2)[0]
    with transaction.atomic():
        blank_events(AuditEvent.objects.filter(pk=event.pk), part)
    assert fault() == f"event {event.pk} at position 1 lost its {part}, which is about no account"


def test_an_event_that_is_only_called_erased_is_noticed():
    event = sealed(2)[0]
    execute("UPDATE users_auditevent SET erased_at = at WHERE id = %s", event.pk)
    assert fault() == f"event {event.pk} at position 1 is marked as erased, but has all its values"


def test_what_a_stranger_did_goes_with_the_account_that_it_was_done_to():
    ada = make_user()
    record_event("account.password_reset_asked", actor=None, target=ada)
    with transaction.atomic():
        blank_events(AuditEvent.objects.filter(target_id=ada.pk), "actor")
    assert fault().endswith(f"account {ada.pk} was not erased")
    mark_erased(ada)
    assert fault() == ""


# --- with an anchor -------------------------------------------------------------------------------


def anchor():
    head = ChainHead.objects.get()
    return read_anchors(
        [
            f"audit-anchor at=2026-01-01T00:00:00Z position={head.position} "
            f"hash={bytes(head.hash).hex()}"
        ]
    )


def test_a_chain_that_was_rewritten_whole_fits_itself_and_not_its_anchor():
    event = sealed(3)[1]
    anchors = anchor()
    sealed(2)
    assert fault(anchors) == ""
    execute("UPDATE users_auditevent SET reason = 'another' WHERE id = %s", event.pk)
    forge_all()
    assert fault() == ""
    assert "position 3 differs from the anchor of 2026-01-01T00:00:00Z" in fault(anchors)


def test_a_chain_that_was_shortened_with_its_head_fits_itself_and_not_its_anchor():
    events = sealed(4)
    anchors = anchor()
    execute("DELETE FROM users_auditevent WHERE id >= %s", events[2].pk)
    ChainHead.objects.update(position=2, hash=events[1].chain_hash)
    assert fault() == ""
    assert fault(anchors) == (
        "the chain ends at position 2, but the anchor of 2026-01-01T00:00:00Z is at 4: "
        "the events from position 3 on are missing"
    )


def test_the_first_of_several_anchors_speaks():
    sealed(2)
    first = anchor()
    sealed(2)
    both = [*first, *anchor()]
    assert fault(both) == ""
    forge_all()
    assert "position 2 differs from the anchor" in fault(both)
