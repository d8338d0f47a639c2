"""Words about an erased person go out of events about others: the chain verifies, and nothing else
of an event can change.
"""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from tests.audit.tampering import SESSION, execute, in_session, mark_erased
from tests.builders import make_user
from users.audit import chain
from users.audit.blanking import blank_events
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.audit.redaction import SystemActor, redact_events
from users.audit.verification.chain_check import verify_chain
from users.database import triggers
from users.models import User

pytestmark = pytest.mark.django_db
WHY = "100% as Ada_L\\ov*el?ace [sic] said"
LEFT = "100% as [erased] [sic] said"


@pytest.fixture
def erased() -> None:
    """Somebody whose words are to go; its event is the first one."""
    mark_erased(make_user())


def make_event(**fields) -> AuditEvent:
    eve = make_user()
    values = {
        "before": {"phone": ""},
        "after": {"phone": "+1", "says": [WHY, {"n": 5, "ü": None}]},
        "reason": WHY,
    }
    return record_event("account.suspended", actor=eve, target=eve, **values | fields)


def take(event: AuditEvent, **changed) -> AuditEvent:
    with transaction.atomic():
        redact_events(
            {
                event.pk: changed
                or {"reason": LEFT, "after": {"phone": "+1", "says": [LEFT, {"n": 5, "ü": None}]}}
            }
        )
    event.refresh_from_db()
    return event


@pytest.mark.parametrize("sealed", [True, False])
def test_words_go_and_the_chain_verifies(sealed, erased):
    event = make_event()
    chain.seal_waiting_events() if sealed else None
    event = take(event)
    assert (event.reason, event.after["says"][0], event.after["phone"]) == (LEFT, LEFT, "+1")
    assert event.erased_at
    chain.seal_waiting_events()
    verdict = verify_chain()
    assert (verdict.fault, verdict.events, verdict.erased, verdict.redacted) == ("", 3, 0, 1)


def test_words_of_both_parts_go_and_again_later(erased):
    with in_session():
        event = record_event("job.parked", actor=None, reason="mail ada@x.org or ada7")
    chain.seal_waiting_events()
    take(event, reason="mail [erased] or ada7", actor_text="[erased]")
    event = take(event, reason="mail [erased] or [erased]")
    assert (event.reason, event.actor_text) == ("mail [erased] or [erased]", "[erased]")
    assert event.session_id == SESSION
    chain.seal_waiting_events()
    assert (verify_chain().fault, verify_chain().redacted) == ("", 1)
    assert AuditEvent.objects.filter(action="audit.redacted").count() == 2


def test_the_trail_tells_of_which_events_and_nothing_of_what():
    event = take(make_event())
    told = AuditEvent.objects.get(action="audit.redacted")
    assert (told.actor_id, told.actor_text, told.target_id, told.reason) == (
        None,
        "Rollcall",
        None,
        "",
    )
    [[pk, part, digest]] = told.after["events"]
    assert (pk, part, len(digest)) == (event.pk, "target", 64)


def test_an_event_that_lost_words_can_still_be_erased_whole(erased):
    event = take(make_event())
    with transaction.atomic():
        assert blank_events(AuditEvent.objects.filter(pk=event.pk), "target") == 1
        assert blank_events(AuditEvent.objects.filter(pk=event.pk), "target") == 0
    event.refresh_from_db()
    assert (event.reason, event.after, event.target_text) == ("", {"phone": None, "says": None}, "")
    chain.seal_waiting_events()
    assert verify_chain().fault.endswith(f"account {event.target_id} was not erased")
    mark_erased(User.objects.get(pk=event.target_id))
    assert (verify_chain().fault, verify_chain().erased, verify_chain().redacted) == ("", 1, 0)


# --- what does not go -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": "another"},
        {"reason": ""},
        {"reason": f"{LEFT} and more"},
        {"reason": LEFT.upper()},
        {"reason": LEFT.replace("%", "x")},
        {"reason": LEFT.replace("[sic]", "s")},
        {"target_text": "somebody else"},
        {"after": {"phone": "+2", "says": [WHY, {"n": 5, "ü": None}]}},
        {"after": {"phone": "+1", "says": [WHY, {"n": 6, "ü": None}]}},
        {"after": {"phone": "+1", "says": [WHY]}},
        {"after": {"phone": "+1"}},
        {"after": {"phone": "+1", "says": [WHY, {"n": 5, "ü": None}], "more": ""}},
        {"actor_text": "somebody else"},
    ],
    ids=str,
)
def test_the_database_lets_nothing_but_words_go(changed):
    event = make_event()
    chain.seal_waiting_events()
    with pytest.raises(DatabaseError, match=triggers.APPEND_ONLY_ERROR):
        take(event, **changed)
    assert AuditEvent.objects.get(pk=event.pk).reason == WHY


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "2020-01-01 00:00:00+00"),
        ("action", "x"),
        ("target_id", 9),
        ("chain_hash", b"h" * 32),
        ("target_digest", b"d" * 32),
    ],
)
def test_nothing_else_of_an_event_changes_on_that_occasion(column, value):
    event = take(make_event())
    salt = bytes(event.chain_salt)[16:]
    with (
        pytest.raises(DatabaseError, match=triggers.APPEND_ONLY_ERROR),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            f"UPDATE users_auditevent SET reason = '[erased]', {column} = %s, chain_salt = %s "
            "WHERE id = %s",
            [value, b"n" * 16 + salt, event.pk],
        )


def test_what_is_gone_does_not_come_back():
    event = make_event()
    chain.seal_waiting_events()
    with transaction.atomic():
        blank_events(AuditEvent.objects.filter(pk=event.pk), "target")
    with pytest.raises(DatabaseError, match=triggers.APPEND_ONLY_ERROR):
        take(event, reason="[erased]")


# --- tampering ------------------------------------------------------------------------------------


def lost(event: AuditEvent) -> str:
    name = f"event {event.pk} at position {event.chain_position}"
    return f"{name} lost words of its target, and the rest does not match the audit trail"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reason", "another"),
        ("reason", WHY),
        ("target_text", "x"),
        ("erased_at", None),
        ("ticket", "x"),
    ],
)
def test_what_is_left_is_sealed_anew(column, value, erased):
    event = take(make_event())
    chain.seal_waiting_events()
    assert verify_chain().fault == ""
    execute(f"UPDATE users_auditevent SET {column} = %s WHERE id = %s", value, event.pk)
    assert verify_chain().fault == lost(event)


def test_what_was_sealed_at_first_stays_covered():
    event = take(make_event())
    chain.seal_waiting_events()
    execute("UPDATE users_auditevent SET action = 'account.edited' WHERE id = %s", event.pk)
    assert (
        verify_chain().fault
        == f"event {event.pk} at position {event.chain_position} was changed after it was sealed"
    )


def test_words_that_went_without_the_trail_saying_so_are_noticed():
    """Somebody who owns the database calls a change of theirs a redaction."""
    event = make_event()
    chain.seal_waiting_events()
    event.refresh_from_db()
    [row] = chain.event_rows(AuditEvent.objects.filter(pk=event.pk))
    execute(
        "UPDATE users_auditevent SET reason = '[erased]', target_digest = %s, erased_at = %s, "
        "chain_salt = %s WHERE id = %s",
        chain.sealed_digest("target", row),
        timezone.now() + timedelta(0),
        b"n" * 16 + bytes(event.chain_salt)[16:],
        event.pk,
    )
    assert verify_chain().fault == lost(event)


def test_another_text_with_a_forged_record_is_noticed(erased):
    """Somebody who owns the database also writes the record of a redaction."""
    event = make_event()
    chain.seal_waiting_events()
    event.refresh_from_db()
    [row] = chain.event_rows(AuditEvent.objects.filter(pk=event.pk))
    salt = b"n" * 16 + bytes(event.chain_salt)[16:]
    forged = row._replace(reason="Another reason", chain_salt=salt)
    execute(
        "UPDATE users_auditevent SET reason = %s, target_digest = %s, erased_at = %s, "
        "chain_salt = %s WHERE id = %s",
        forged.reason,
        chain.sealed_digest("target", row),
        timezone.now(),
        salt,
        event.pk,
    )
    digest = chain.part_digest("target", forged, salt).hex()
    record = {"events": [[event.pk, "target", digest]]}
    chain.seal_event(record_event("audit.redacted", actor=SystemActor(), after=record))
    assert verify_chain().fault == lost(event)


def test_a_changed_word_of_the_trail_about_it_is_noticed(erased):
    event = take(make_event())
    chain.seal_waiting_events()
    told = AuditEvent.objects.get(action="audit.redacted")
    execute("UPDATE users_auditevent SET after = '{\"events\": []}' WHERE id = %s", told.pk)
    assert verify_chain().fault == lost(event)
    execute("DELETE FROM users_auditevent WHERE id = %s", told.pk)
    assert verify_chain().fault == lost(event)


def test_a_redaction_is_good_at_once(erased):
    take(make_event())
    assert (verify_chain().fault, verify_chain().waiting) == ("", 0)


@pytest.mark.parametrize("forged", ["nobody erased", "before", "unsealed", "by somebody"])
def test_a_forged_record_of_a_redaction_explains_nothing(forged):
    """An UPDATE as redactions make, and an INSERT: what the password of the application allows."""
    event = make_event()
    if forged != "nobody erased":
        mark_erased(make_user())
    event = take(event)
    assert (verify_chain().fault == "") == (forged != "nobody erased")
    told = AuditEvent.objects.get(action="audit.redacted")
    if forged == "before":
        User.objects.update(status="active", deleted_at=None)
        mark_erased(make_user())
    elif forged == "unsealed":
        execute("UPDATE users_auditevent SET chain_position = NULL WHERE id = %s", told.pk)
    elif forged == "by somebody":
        execute("UPDATE users_auditevent SET actor_id = 1 WHERE id = %s", told.pk)
    assert verify_chain().fault == lost(event)
