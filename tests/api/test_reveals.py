"""POST /api/v1/accounts/{id}/reveal"""

import pytest
from django.utils import timezone

from tests.api.calls import problem, program
from tests.builders import make_user
from tests.meter.limits import count_of
from users.audit.models import AuditEvent
from users.models import State

pytestmark = pytest.mark.django_db
REASON = {"reason": "Called us"}


def test_a_reveal_returns_what_is_masked_with_an_event():
    sender = program("Viewer")
    sue = make_user(email="sue@example.com", attributes={"email": "old@example.com"})
    path = f"/accounts/{sue.pk}"
    assert sender.get(path).json()["email"] != "sue@example.com"
    found = sender.post(f"{path}/reveal", REASON)
    assert found.json() == {
        "id": sue.pk,
        "username": sue.username,
        "email": "sue@example.com",
        "phone": "",
        "attributes": {"email": "old@example.com"},
    }
    assert found["Cache-Control"] == "no-store"
    event = AuditEvent.objects.get(action="account.revealed")
    assert (event.reason, event.actor_id) == ("Called us", sender.holder.pk)
    assert event.after == {"fields": ["username", "email", "attributes"]}
    assert count_of(sender.holder, "reveals") == 1
    assert sender.get(path).json()["email"] != "sue@example.com"


@pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": "x", "fields": ["email"]}])
def test_without_a_reason_nothing_is_revealed(body):
    sender = program("Viewer")
    sue = make_user(email="sue@example.com")
    answer = sender.post(f"/accounts/{sue.pk}/reveal", body)
    problem(answer, 422)
    assert b"sue@example.com" not in answer.content
    assert not AuditEvent.objects.filter(action="account.revealed").exists()


def test_above_the_hourly_limit_the_program_waits(settings):
    budgets = settings.METER.service_budgets | {"reveals": 1}
    settings.METER = settings.METER._replace(service_budgets=budgets)
    sender = program("Viewer")
    first, second = make_user(), make_user()
    assert sender.post(f"/accounts/{first.pk}/reveal", REASON).status_code == 200
    answer = sender.post(f"/accounts/{second.pk}/reveal", REASON)
    problem(answer, 429)
    assert int(answer["Retry-After"]) > 0
    assert AuditEvent.objects.filter(action="account.revealed").count() == 1


def test_what_is_not_masked_or_not_there_is_not_revealed():
    sue = make_user()
    problem(program("Support").post(f"/accounts/{sue.pk}/reveal", REASON), 409)
    viewer = program("Viewer")
    erased = make_user(status=State.ERASED, deleted_at=timezone.now())
    problem(viewer.post(f"/accounts/{erased.pk}/reveal", REASON), 409)
    problem(viewer.post("/accounts/999999/reveal", REASON), 404)
    masked = program("Viewer", "view_user")
    problem(masked.post(f"/accounts/{sue.pk}/reveal", REASON), 403)
    assert not AuditEvent.objects.filter(action="account.revealed").exists()
