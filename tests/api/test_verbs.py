"""POST /api/v1/accounts/{id}/… for each verb"""

import json

import pytest
from django.test import Client

from tests.account_rows import row
from tests.api.calls import problem, program
from tests.builders import make_superuser, make_user
from users.api.description import openapi_description
from users.api.verb_calls import API_VERBS
from users.audit.models import AuditEvent
from users.models import State, User
from users.verbs.registry import VERBS

pytestmark = pytest.mark.django_db
REASON = {"reason": "Stolen device", "version": 1}


def test_a_verb_changes_the_account_and_answers_with_it():
    ada = program("Support")
    sue = make_user()
    found = ada.post(f"/accounts/{sue.pk}/suspension", REASON).json()
    assert (found["status"], found["version"]) == ("suspended", 2)
    event = AuditEvent.objects.get(action="account.suspended")
    assert (event.reason, event.actor_id) == ("Stolen device", ada.holder.pk)
    assert "token" in event.actor_text
    assert User.objects.get(pk=sue.pk).status == State.SUSPENDED


@pytest.mark.parametrize("path", [verb.path.rstrip("/") for verb in VERBS if verb.sudo])
def test_verbs_that_ask_who_is_there_say_so(path):
    ada = program("Administrator")
    sue = make_user()
    before = row(sue)
    found = problem(ada.post(f"/accounts/{sue.pk}/{path}", REASON), 403)
    assert "confirmed their identity" in found["detail"]
    assert row(sue) == before
    assert f"/api/v1/accounts/{{account_id}}/{path}" not in openapi_description()["paths"]


@pytest.mark.parametrize("path", API_VERBS)
def test_a_role_without_the_permission_is_refused(path):
    ada = program("Viewer")
    sue = make_user()
    before = row(sue)
    found = problem(ada.post(f"/accounts/{sue.pk}/{path}", REASON), 403)
    assert found["permission"]
    assert row(sue) == before
    denied = AuditEvent.objects.get(action="denied")
    assert (denied.actor_id, denied.target_id) == (ada.holder.pk, sue.pk)


@pytest.mark.parametrize("path", API_VERBS)
def test_a_superuser_is_above_everybody(path):
    ada = program("Administrator")
    root = make_superuser()
    before = row(root)
    problem(ada.post(f"/accounts/{root.pk}/{path}", REASON), 403)
    assert row(root) == before


def test_if_match_is_the_version():
    ada = program("Support")
    sue = make_user()
    etag = ada.get(f"/accounts/{sue.pk}")["ETag"]
    path = f"/accounts/{sue.pk}/suspension"
    sent = {"reason": "Stolen device"}
    problem(ada.post(path, sent), 428)
    problem(ada.post(path, sent, headers={"If-Match": "abc"}), 400)
    User.objects.filter(pk=sue.pk).update(version=2, status="suspended", status_reason="else")
    stale = problem(ada.post(path, sent, headers={"If-Match": etag}), 412)
    assert (stale["sent_version"], stale["current_version"]) == (1, 2)
    assert stale["account"]["status_reason"] == "else"
    assert problem(ada.post(path, REASON), 409)["current_version"] == 2
    end = f"/accounts/{sue.pk}/suspension/end"
    changed = ada.post(end, {"reason": "Found"}, headers={"If-Match": '"2"'})
    assert changed.json()["version"] == 3
    assert changed["ETag"].startswith('"3.')


def test_the_state_of_the_account_refuses():
    ada = program("Support")
    sue = make_user(status=State.SUSPENDED)
    found = problem(ada.post(f"/accounts/{sue.pk}/suspension", REASON), 409)
    assert found["detail"] == "This account is already suspended."


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"version": 1}, 422, "/reason"),
        ({"reason": "", "version": 1}, 422, "/reason"),
        ({"reason": "x", "version": "1x"}, 422, "/version"),
        ({"reason": "x", "version": 1, "reasn": "y"}, 422, "/reasn"),
        ({"reason": ["x"], "version": 1}, 422, "/reason"),
        ({"reason": {"x": 1}, "version": 1}, 422, "/reason"),
        ({"reason": True, "version": 1}, 422, "/reason"),
        ({"reason": 1.5, "version": 1}, 422, "/reason"),
        ({"reason": "x", "version": 1, "notify": "yes"}, 422, "/notify"),
        ({"reason": "x", "version": 1, "until": "odd", "lasts": "until"}, 422, "/until"),
        ({"reason": "x", "version": 1, "status": "erased"}, 422, "/status"),
        ({"reason": "a\x00b", "version": 1}, 422, "/reason"),
        ('{"reason": "\\ud800", "version": 1}', 422, "/reason"),
        ('{"reason": "x", "reason": "y", "version": 1}', 400, "/reason"),
        ('{"reason": NaN}', 400, ""),
        ('{"reason": "x"', 400, ""),
        ("[1]", 422, ""),
        ("[" * 100_000, 400, ""),
        (b"\xff\xfe", 400, ""),
        ('{"version": ' + "9" * 5000 + "}", 400, ""),
        ('{"version": 1e999, "reason": "x"}', 422, "/version"),
    ],
)
def test_a_bad_body_is_named_and_changes_nothing(body, status, pointer):
    ada = program("Support")
    sue = make_user()
    before = row(sue)
    found = problem(ada.post(f"/accounts/{sue.pk}/suspension", body), status)
    assert found["errors"][0]["pointer"] == pointer
    assert row(sue) == before


def test_the_nearest_field_is_proposed():
    ada = program("Support")
    sue = make_user()
    sent = {"resaon": "x", "version": 1}
    found = problem(ada.post(f"/accounts/{sue.pk}/suspension", sent), 422)
    assert "“reason”" in found["detail"]


def test_privileged_fields_are_refused_and_recorded():
    ada = program("Support")
    sue = make_user()
    sent = REASON | {"is_superuser": True, "password": "x", "colour": "red"}
    problem(ada.post(f"/accounts/{sue.pk}/suspension", sent), 422)
    event = AuditEvent.objects.get(action="denied")
    assert (event.actor_id, event.target_id) == (ada.holder.pk, sue.pk)
    assert event.after["fields"] == ["is_superuser", "password"]
    assert "red" not in str(event.after) + event.reason
    assert not User.objects.filter(pk=sue.pk, is_superuser=True).exists()


def test_a_large_body_is_refused_unread():
    ada = program("Support")
    sue = make_user()
    body = json.dumps(REASON | {"reason": "x" * 1_000_000})
    problem(ada.post(f"/accounts/{sue.pk}/suspension", body), 413)


def test_other_types_are_refused():
    ada = program("Support")
    sue = make_user()
    path = f"/accounts/{sue.pk}/suspension"
    problem(ada.post(path, "reason=x&version=1", content_type="text/plain"), 415)


def test_a_session_changes_nothing():
    root = make_superuser()
    sue = make_user()
    client = Client(enforce_csrf_checks=True)
    client.force_login(root)
    before = row(sue)
    path = f"/api/v1/accounts/{sue.pk}/suspension"
    problem(client.post(path, json.dumps(REASON), content_type="application/json"), 401)
    assert row(sue) == before


def test_a_masked_viewer_gets_a_masked_account():
    ada = program("Manager", "view_user", "suspend_user")
    sue = make_user(email="sue@example.org")
    found = ada.post(f"/accounts/{sue.pk}/suspension", REASON)
    assert found.status_code == 200
    assert "sue@example.org" not in found.content.decode()
