"""GET and POST /users/<id>/sessions/end/, /users/<id>/sessions/<public id>/end/ and
/users/<id>/lockout/end/
"""

from uuid import uuid4

import pytest
from django.test import Client

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import PASSWORD, make_superuser, make_user
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.models import User
from users.sessions.models import Session

pytestmark = pytest.mark.django_db
UNKNOWN = "6f1d3c5e-8a42-4b0f-9d7e-2c51b8f0a934"  # always the same: names of tests contain it


@pytest.fixture
def agent(client):
    agent = make_user("Support")
    client.force_login(agent)
    return agent


@pytest.fixture
def ada() -> User:
    return make_user(username="ada", password=PASSWORD)


@pytest.fixture
def browser(ada) -> Client:
    browser = Client()
    browser.force_login(ada)
    return browser


def one(account: User) -> str:
    session = Session.objects.filter(account_id=account.pk).first()
    return f"/users/{account.pk}/sessions/{session.public_id}/end/"


def every(account: User) -> str:
    return f"/users/{account.pk}/sessions/end/"


def lockout(account: User) -> str:
    return f"/users/{account.pk}/lockout/end/"


def lock(account: User) -> None:
    for _ in range(5):
        Client().post("/login/", {"login": account.username, "password": "wrong"})


PATHS = pytest.mark.parametrize("path", [one, every, lockout])


@pytest.mark.parametrize(
    ("path", "action"), [(one, "account.session_ended"), (every, "account.sessions_ended")]
)
def test_a_support_agent_ends_sessions(client, agent, ada, browser, path, action):
    assert browser.get("/me/").status_code == 200
    address = path(ada)
    assert form(client.get(address), address) == {"reason": "", "ticket": ""}
    response = client.post(address, {"reason": "Lost phone"}, follow=True)
    assert response.redirect_chain == [(f"/users/{ada.pk}/sign-ins/", 302)]
    assert "ended" in read(response).one("p", class_="note success").text
    assert browser.get("/me/")["Location"] == "/login/?next=%2Fme%2F"
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.target_id, event.reason) == (
        action,
        agent.pk,
        ada.pk,
        "Lost phone",
    )


@pytest.mark.parametrize("path", [one, every])
def test_an_open_poll_of_an_ended_session_is_told_to_sign_in(client, agent, path):
    colleague = make_user("Viewer")
    browser = Client()
    browser.force_login(colleague)
    client.force_login(make_superuser())
    poll = {"HX-Request": "true"}
    assert browser.get("/users/", headers=poll).status_code == 200
    client.post(path(colleague), {})
    answer = browser.get("/users/", headers=poll)
    assert (answer.status_code, answer["HX-Redirect"], answer.content) == (401, "/login/", b"")


def test_the_second_click_is_a_conflict_for_all_and_not_found_for_one(client, agent, ada, browser):
    address = one(ada)
    client.post(address, {})
    for method in (client.get, client.post):
        response = method(address)
        assert response.status_code == 404
        assert "It may have ended already." in read(response).one("main").text
    response = client.post(every(ada), {"reason": "Kept"})
    assert response.status_code == 409
    assert errors_of(response) == ["There are no active sessions to end."]
    assert form(response, every(ada)) == {"reason": "Kept", "ticket": ""}
    assert AuditEvent.objects.count() == 1


def test_the_session_of_another_account_is_not_found_under_this_one(client, agent, ada, browser):
    other = make_user()
    Client().force_login(other)
    foreign = one(other).replace(f"/{other.pk}/", f"/{ada.pk}/", 1)
    for path in (foreign, f"/users/{ada.pk}/sessions/{uuid4()}/end/"):
        assert (client.get(path).status_code, client.post(path).status_code) == (404, 404)
    assert Session.objects.filter(account_id__in=[ada.pk, other.pk]).count() == 2


@pytest.mark.parametrize("name", ["x", "1", "../end", UNKNOWN.upper()])
def test_what_is_no_public_id_is_not_found(client, agent, ada, name):
    assert client.get(f"/users/{ada.pk}/sessions/{name}/end/").status_code == 404


def test_a_support_agent_lets_somebody_try_again(client, agent, ada):
    lock(ada)
    assert Client().post("/login/", {"login": "ada", "password": PASSWORD}).status_code == 429
    assert "refused until" in read(client.get(lockout(ada))).one("form", action=lockout(ada)).text
    assert client.post(lockout(ada), {"reason": "On the phone"}).status_code == 302
    assert Client().post("/login/", {"login": "ada", "password": PASSWORD}).status_code == 302
    event = AuditEvent.objects.get()
    assert (event.action, event.target_id, event.reason) == (
        "account.lockout_ended",
        ada.pk,
        "On the phone",
    )
    again = client.post(lockout(ada), {"reason": "On the phone"})
    assert (again.status_code, errors_of(again)) == (409, ["This account is not locked out."])


def test_ending_all_of_ones_own_ends_the_one_at_hand_too(client, agent):
    response = client.post(every(agent), {}, follow=True)
    assert response.redirect_chain[-1][0].startswith("/login/")


@pytest.mark.sqlite  # of forms, and not of the database
@PATHS
@pytest.mark.parametrize(
    ("reason", "says"),
    [("x" * 2001, "at most 2000"), ("a\x00b", "Null"), ("a\ufffdb", "unreadable character")],
)
def test_bad_input_is_named_and_kept(client, agent, ada, browser, path, reason, says):
    lock(ada)
    address = path(ada)
    response = client.post(address, {"reason": reason})
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response))
    assert form(response, address)["reason"] == reason
    assert browser.get("/me/").status_code == 200


@PATHS
@pytest.mark.parametrize("role", ["Viewer", "Auditor"])
def test_who_may_not_is_refused(client, ada, browser, path, role):
    viewer = make_user(role)
    client.force_login(viewer)
    action = "end_lockout" if path is lockout else "end_sessions"
    for answer in (client.get(path(ada)), client.post(path(ada))):
        assert_denied(answer, f"users.{action}", actor=viewer, target=ada, action=action)
    assert browser.get("/me/").status_code == 200


@PATHS
def test_a_support_agent_cannot_do_it_to_a_colleague_or_a_superuser(client, agent, path):
    for target, missing in ((make_user("Viewer"), "users.manage_staff"), (make_superuser(), "")):
        Client().force_login(target)
        action = "end_lockout" if path is lockout else "end_sessions"
        assert_denied(client.post(path(target)), missing, actor=agent, target=target, action=action)


@PATHS
def test_strangers_are_sent_to_sign_in(client, ada, browser, path):
    assert_sent_to_sign_in(client, path(ada))


@pytest.mark.parametrize(
    "pattern",
    ["/users/{}/sessions/end/", "/users/{}/lockout/end/", f"/users/{{}}/sessions/{UNKNOWN}/end/"],
)
def test_an_unknown_id_is_not_found(client, agent, pattern):
    assert_not_found(client, pattern)


@PATHS
def test_other_methods_are_refused(client, agent, ada, browser, path):
    assert_wrong_method(client, path(ada), allowed="GET, HEAD, POST")
