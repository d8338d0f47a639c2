"""GET /api/v1/accounts and below"""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.api.calls import Program, problem, program
from tests.builders import make_superuser, make_user
from tests.directory.listing import make_many
from tests.tokens.builders import make_service, make_token
from users.models import State, User
from users.tokens import throttle
from users.tokens.changes import revoke_token
from users.tokens.token_text import new_token_text

pytestmark = pytest.mark.django_db


def test_the_list_is_that_of_the_directory():
    program_of_ada = program("Support")
    make_many(30)
    found = program_of_ada.get("/accounts?size=25&sort=username").json()
    expected = sorted(User.objects.values_list("username", flat=True))
    assert [each["username"] for each in found["accounts"]] == expected[:25]
    rest = program_of_ada.client.get(found["next"]).json()
    assert [each["username"] for each in rest["accounts"]] == expected[25:]
    assert rest["next"] is None
    assert program_of_ada.client.get(rest["previous"]).json()["accounts"] == found["accounts"]


def test_the_filter_is_that_of_the_page():
    program_of_ada = program("Support")
    make_user(status=State.SUSPENDED, username="sue")
    make_user(username="sam")
    found = program_of_ada.get("/accounts?status=suspended").json()
    assert [each["username"] for each in found["accounts"]] == ["sue"]
    assert found["count"] == {"value": 1, "kind": "exact"}
    assert found["is_complete"] is True
    assert program_of_ada.get("/accounts/count?status=suspended").json() == {
        "count": {"value": 1, "kind": "exact"}
    }


def test_fields_are_chosen():
    found = program("Support").get("/accounts?fields=phone,id").json()
    assert list(found["accounts"][0]) == ["id", "phone"]


def test_a_list_is_never_stale():
    program_of_ada = program("Support")
    sue = make_user(username="sue", first_name="Sue")
    before = program_of_ada.get("/accounts?q=sue")
    assert program_of_ada.get("/accounts?q=sue").content == before.content
    known = {"If-None-Match": before["ETag"]}
    unchanged = program_of_ada.get("/accounts?q=sue", headers=known)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged["ETag"] == before["ETag"]
    User.objects.filter(pk=sue.pk).update(first_name="Susan")
    after = program_of_ada.get("/accounts?q=sue", headers=known)
    assert after.status_code == 200
    assert after.json()["accounts"][0]["first_name"] == "Susan"


@pytest.mark.postgresql
def test_a_cached_list_takes_one_statement(django_assert_num_queries):
    reader = Program(make_user("Manager"))
    make_user(username="sue")
    for path in ("/accounts?q=sue", "/accounts?status=active"):
        before = reader.get(path)
        with django_assert_num_queries(1):
            assert reader.get(path).content == before.content


def test_a_list_is_cached_until_a_status_changes_by_itself():
    until = timezone.now() + timedelta(seconds=30)
    make_user(username="sue", status=State.SUSPENDED, suspended_until=until)
    assert program("Support").get("/accounts?q=sue").expiry == until


def test_nobody_gets_the_list_of_another_audience():
    make_user(username="sue", email="sue@example.org")
    plain = program("Support").get("/accounts?q=sue").json()["accounts"][0]
    masked = program("Manager", "view_user").get("/accounts?q=sue").json()["accounts"][0]
    assert plain["email"] == "sue@example.org"
    assert masked["email"] != "sue@example.org"


def test_the_detail_has_every_field():
    program_of_ada = program("Support")
    sue = make_user("Viewer", username="sue", attributes={"team": "engines"})
    response = program_of_ada.get(f"/accounts/{sue.pk}")
    found = response.json()
    assert (found["id"], found["roles"], found["attributes"]) == (
        sue.pk,
        ["Viewer"],
        {"team": "engines"},
    )
    assert response["ETag"].startswith('"1.')
    assert not {"password", "search_key", "session_epoch"} & set(found)


@pytest.mark.parametrize("part", ["events", "sign-ins", "emails"])
def test_the_lists_of_an_account_have_pages(part):
    program_of_ada = program("Manager")
    sue = make_user()
    program_of_ada.post(f"/accounts/{sue.pk}/suspension", {"reason": "lost", "version": 1})
    found = program_of_ada.get(f"/accounts/{sue.pk}/{part}").json()
    assert found["next"] is None
    if part == "events":
        (event,) = found["events"]
        assert (event["action"], event["reason"]) == ("account.suspended", "lost")
        assert event["session_id"] is None


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/accounts?sise=25", "sise"),
        ("/accounts?size=7", "size"),
        ("/accounts?size=25&size=50", "size"),
        ("/accounts?fields=id,passwort", "fields"),
        ("/accounts?status=odd", "status"),
        ("/accounts?after=xyz", "after"),
        ("/accounts?after=a&before=b", "before"),
        ("/accounts?q=%00", "q"),
        ("/accounts?q=%ED%A0%80", "q"),
        ("/accounts/x", "account_id"),
        ("/accounts/99999999999999999999999", "account_id"),
        ("/accounts/1/events?after=x", "after"),
        ("/jobs?state=odd", "state"),
        ("/jobs/x", "job_id"),
    ],
)
def test_bad_input_is_named(path, parameter):
    ada = program("Manager")
    if "/1/" in path:
        path = path.replace("/1/", f"/{ada.holder.pk}/")
    found = problem(ada.get(path), 400)
    assert found["errors"][0]["parameter"] == parameter


def test_the_nearest_name_is_proposed():
    ada = program("Support")
    assert "“size”" in problem(ada.get("/accounts?sise=25"), 400)["detail"]
    assert "“phone”" in problem(ada.get("/accounts?fields=fone"), 400)["detail"]
    assert "Lists have no “roles”" in problem(ada.get("/accounts?fields=roles"), 400)["detail"]


def test_a_cursor_of_another_order_is_refused():
    ada = program("Support")
    make_many(30)
    after = ada.get("/accounts?size=25").json()["next"].partition("after=")[2]
    problem(ada.get(f"/accounts?size=25&sort=username&after={after}"), 400)


def test_an_unknown_account_is_not_found():
    ada = program("Support")
    problem(ada.get("/accounts/999999"), 404)
    problem(ada.get("/nothing/here"), 404)
    problem(ada.get("/accounts/"), 404)


def test_without_a_token_nothing_is_answered():
    ada = make_superuser()
    client = Client()
    client.force_login(ada)
    for path in ("/accounts", f"/accounts/{ada.pk}", "/jobs", "/nothing", "/openapi.json"):
        response = client.get(f"/api/v1{path}")
        problem(response, 401)
        assert response["WWW-Authenticate"].startswith("Bearer")
        assert not response.cookies


def test_every_invalid_token_gets_the_same_answer():
    ada = make_user("Manager")
    revoked = make_token(ada)
    revoke_token(revoked.token, by=ada)
    answers = set()
    for text in ("", "rc_short", new_token_text(), revoked.text):
        response = Client().get("/api/v1/accounts", headers={"Authorization": f"Bearer {text}"})
        problem(response, 401)
        assert response["WWW-Authenticate"] == 'Bearer realm="Rollcall"'
        answers.add(response.content)
    assert len(answers) == 1


def test_wrong_methods_are_refused():
    ada = program("Support")
    response = ada.client.delete("/api/v1/accounts/count")
    problem(response, 405)
    assert response["Allow"] == "GET, HEAD"
    assert "POST" in ada.client.delete("/api/v1/accounts")["Allow"]
    assert "GET, HEAD" in ada.client.put("/api/v1/jobs")["Allow"]


def test_head_has_no_content():
    ada = program("Support")
    response = ada.client.head("/api/v1/accounts")
    assert (response.status_code, response.content) == (200, b"")
    assert int(response["Content-Length"]) > 0


def test_the_rate_is_told(monkeypatch):
    # So that no minute begins between two requests.
    now = timezone.now().replace(second=18)
    monkeypatch.setattr(throttle, "current_time", lambda: now)
    ada = Program(make_service("Support"), rate=3)
    responses = [ada.get("/accounts") for _ in range(4)]
    left = [response["RateLimit"] for response in responses]
    assert left == [f'"minute";r={number};t=42' for number in (2, 1, 0, 0)]
    assert {response["RateLimit-Policy"] for response in responses} == {'"minute";q=3;w=60'}
    problem(responses[3], 429)
    assert responses[3]["Retry-After"] == "42"


def test_answers_set_no_cookies():
    response = program("Support").get("/accounts")
    assert not response.cookies
    assert "Authorization" in response["Vary"]


def test_the_description_has_each_operation_once():
    ada = program("Support")
    described = json.loads(ada.get("/openapi.json").content)
    assert described["openapi"] == "3.1.0"
    assert "/api/v1/accounts/{account_id}/suspension" in described["paths"]
    ids = [each["operationId"] for path in described["paths"].values() for each in path.values()]
    assert len(ids) == len(set(ids))
