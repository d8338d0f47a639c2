"""Events hold actor, action, target, origin and the fields that changed."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction

from tests.builders import make_user
from users import access
from users.audit.actions import ACTION_LABELS
from users.audit.models import AuditEvent
from users.audit.origin import Origin, current_origin
from users.audit.record import build_event, json_values, record_denial, record_event

pytestmark = pytest.mark.django_db
USERS = Path(__file__).parents[2] / "users"


@pytest.fixture
def origin():
    token = current_origin.set(Origin("192.0.2.7", "Browser/1.0", "request-0001"))
    yield current_origin.get()
    current_origin.reset(token)


@pytest.mark.postgresql
def test_an_event_has_the_time_of_the_database_whatever_the_clock_of_the_host_says(monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        before = cursor.fetchone()[0]
    ahead = before + timedelta(hours=2)
    monkeypatch.setattr("django.utils.timezone.now", lambda: ahead)
    event = record_event("account.edited", actor=None, target=make_user())
    AuditEvent.objects.bulk_create([build_event("account.edited", actor=None)])
    times = AuditEvent.objects.order_by("id").values_list("at", flat=True)
    assert event.at == times[0]
    assert before < times[0] < times[1] < before + timedelta(hours=1)


def test_an_event_says_who_did_what_to_whom_and_from_where(origin):
    actor = make_user("Support")
    target = make_user(version=7)
    event = record_event(
        "account.edited",
        actor=actor,
        target=target,
        before={"phone": ""},
        after={"phone": "+1"},
        reason="Asked",
    )
    stored = AuditEvent.objects.get(pk=event.pk)
    assert (stored.action, stored.actor_id, stored.actor_text) == (
        "account.edited",
        actor.pk,
        actor.username,
    )
    assert (stored.target_id, stored.target_text, stored.target_version) == (
        target.pk,
        target.username,
        7,
    )
    assert (stored.before, stored.after, stored.reason) == ({"phone": ""}, {"phone": "+1"}, "Asked")
    assert (stored.ip, stored.user_agent, stored.request_id) == (
        "192.0.2.7",
        "Browser/1.0",
        "request-0001",
    )
    assert abs(stored.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert [
        getattr(stored, name)
        for name in ("chain_position", "chain_salt", "chain_previous", "chain_hash")
    ] == [None] * 4


def test_an_event_outside_of_a_request_has_no_origin():
    stored = record_event("account.edited", actor=access.CommandActor("seed"), target=make_user())
    assert (stored.ip, stored.user_agent, stored.request_id) == (None, "", "")
    assert (stored.actor_id, stored.actor_text) == (None, "command seed")


@pytest.mark.parametrize("actor", [None, AnonymousUser()])
def test_an_event_by_nobody_says_so(actor):
    stored = record_event("denied", actor=actor)
    assert stored.actor_id is None
    assert stored.actor_text in ("nobody", "AnonymousUser")
    assert (stored.target_id, stored.target_text, stored.target_version) == (None, "", None)


def test_an_event_outlives_its_actor_and_its_target():
    actor = make_user()
    target = make_user()
    event = record_event("account.edited", actor=actor, target=target)
    names = actor.username, target.username
    actor.delete()
    target.delete()
    event.refresh_from_db()
    assert (event.actor_text, event.target_text) == names


def test_a_refused_action_is_an_event_with_the_missing_permission():
    actor = make_user("Viewer")
    target = make_user()
    with pytest.raises(access.Denied) as caught:
        access.require(actor, "suspend", target)
    event = record_denial(actor, caught.value)
    assert (event.action, event.actor_id, event.target_id) == ("denied", actor.pk, target.pk)
    assert event.after == {"action": "suspend", "permission": "users.suspend_user"}
    assert event.reason == caught.value.reason


def test_an_event_is_part_of_its_transaction():
    with transaction.atomic():
        record_event("account.edited", actor=None)
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()


def test_an_event_that_is_only_made_is_not_stored():
    assert build_event("account.edited", actor=None).pk is None
    assert not AuditEvent.objects.exists()


def test_times_are_held_in_utc_and_other_values_as_they_are():
    lisbon = datetime(2026, 7, 1, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    values = {
        "until": lisbon,
        "none": None,
        "yes": True,
        "number": 7,
        "text": "Zoë \u202e 😀",
        "list": ["a"],
        "map": {"a": 1},
    }
    held = json_values(values)
    assert held == values | {"until": "2026-07-01T12:00:00.123Z"}
    stored = record_event("account.edited", actor=None, after=values)
    stored.refresh_from_db()
    assert stored.after == held


def test_a_value_that_json_cannot_hold_is_an_error_and_never_a_guess():
    with pytest.raises(TypeError):
        json_values({"it": object()})


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE users_auditevent; --",
        "\u202e\u0000".strip("\x00"),
        "a\nb\r\nc",
        "x" * 5000,
        "😀",
    ],
)
def test_a_reason_is_stored_as_it_is(text):
    event = record_event("account.edited", actor=None, reason=text)
    event.refresh_from_db()
    assert event.reason == text


def test_the_longest_names_fit():
    target = make_user(username="\U00020000" * 150, email="")
    event = record_event("account.edited", actor=target, target=target)
    event.refresh_from_db()
    assert event.actor_text == event.target_text == target.username


def test_before_and_after_are_objects_in_the_database():
    event = record_event("account.edited", actor=None, before={"a": 1})
    with connection.cursor() as cursor:
        cursor.execute("SELECT before, after FROM users_auditevent WHERE id = %s", [event.pk])
        before, after = (
            json.loads(value) if isinstance(value, str) else value for value in cursor.fetchone()
        )
    assert (before, after) == ({"a": 1}, {})


def test_each_action_that_the_code_writes_has_a_name_for_people():
    # Webhooks have names of their own for kinds of events.
    webhooks = set((USERS / "webhooks").rglob("*.py"))
    written = {
        action
        for path in set(USERS.rglob("*.py")) - webhooks
        for action in re.findall(r'"((?:accounts?|jobs?)\.[a-z_]+)"', path.read_text())
    }
    assert "account.suspended" in written
    assert written - set(ACTION_LABELS) == set()
