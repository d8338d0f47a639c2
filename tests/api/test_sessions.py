"""GET /api/v1/accounts/{id}/sessions and what ends them, and POST …/lockout/end"""

from uuid import uuid4

import pytest
from django.test import Client

from tests.api.calls import problem, program
from tests.builders import make_user
from tests.verbs.verb_cases import lock_out
from users.audit.models import AuditEvent
from users.models import User
from users.sessions import throttle
from users.sessions.models import Session

pytestmark = pytest.mark.django_db
REASON = {"reason": "Stolen device"}


@pytest.fixture
def sue() -> User:
    sue = make_user()
    for _ in range(2):
        Client(REMOTE_ADDR="192.0.2.77").force_login(sue)
    return sue


def stored(account: User) -> set[str]:
    rows = Session.objects.filter(account_id=account.pk)
    return {str(public_id) for public_id in rows.values_list("public_id", flat=True)}


def test_sessions_are_listed_without_their_keys(sue):
    answer = program("Support").get(f"/accounts/{sue.pk}/sessions")
    listed = answer.json()["sessions"]
    assert {each["id"] for each in listed} == stored(sue)
    for session in Session.objects.filter(account_id=sue.pk):
        assert session.session_key not in answer.content.decode()
    assert set(listed[0]) == {"id", "created_at", "last_used_at", "ip", "user_agent"}


def test_one_session_ends(sue):
    sender = program("Support")
    ended, kept = sorted(stored(sue))
    path = f"/accounts/{sue.pk}/sessions/{ended}/end"
    answer = sender.post(path, REASON)
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert stored(sue) == {kept}
    event = AuditEvent.objects.get(action="account.session_ended")
    assert (event.reason, event.actor_id) == ("Stolen device", sender.holder.pk)
    problem(sender.post(path, REASON), 404)


def test_all_sessions_end(sue):
    sender = program("Support")
    path = f"/accounts/{sue.pk}/sessions/end"
    problem(sender.post(path, REASON, headers={"If-Match": '"9"'}), 412)
    assert len(stored(sue)) == 2
    assert sender.post(path, REASON, headers={"If-Match": '"1"'}).status_code == 200
    assert stored(sue) == set()
    assert AuditEvent.objects.get(action="account.sessions_ended").before == {"sessions": 2}
    problem(sender.post(path), 409)
    problem(sender.post(path, {"version": 1}), 422)


def test_a_session_of_somebody_else_is_not_found(sue):
    sender = program("Support")
    other = make_user()
    (session, _) = stored(sue)
    for account_id, session_id in ((other.pk, session), (sue.pk, uuid4())):
        problem(sender.post(f"/accounts/{account_id}/sessions/{session_id}/end", REASON), 404)
    problem(sender.post(f"/accounts/{sue.pk}/sessions/x/end", REASON), 400)
    assert len(stored(sue)) == 2


def test_viewers_end_nothing(sue):
    sender = program("Viewer")
    (session, _) = stored(sue)
    for path in ("sessions/end", f"sessions/{session}/end", "lockout/end"):
        assert problem(sender.post(f"/accounts/{sue.pk}/{path}", REASON), 403)["permission"]
    assert len(stored(sue)) == 2


def test_a_lockout_ends(sue):
    sender = program("Support")
    lock_out(sue, sender.holder)
    path = f"/accounts/{sue.pk}/lockout/end"
    assert sender.post(path, REASON).status_code == 200
    assert not throttle.locked_until(sue)
    assert AuditEvent.objects.get(action="account.lockout_ended").reason == "Stolen device"
    problem(sender.post(path, REASON), 409)
