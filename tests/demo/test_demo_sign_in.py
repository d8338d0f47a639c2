"""POST /login/demo/ and the buttons on /login/, with and without the setting."""

import pytest
from django.test import Client

from tests.answers import assert_wrong_method
from tests.builders import make_user
from tests.pages import form, read
from users.access import CommandActor
from users.demo.staff import NAMED_STAFF, make_named
from users.models import User
from users.sessions.models import Session, SignInEvent, SignInOutcome

pytestmark = pytest.mark.django_db

PATH = "/login/demo/"
ROLES = [role for role, *_ in NAMED_STAFF.values()]


@pytest.fixture
def demo(settings) -> None:
    settings.ROOT_URLCONF = "tests.demo.urls_with_demo"
    make_named(CommandActor("seed"))


def buttons(client) -> list[str]:
    page = read(client.get("/login/"))
    named = page.all("button", name="role")
    return [button.attributes["value"] for button in named]


def test_each_role_can_be_tried_from_the_sign_in_page(client, demo):
    assert buttons(client) == ROLES
    for username, (role, *_) in NAMED_STAFF.items():
        response = client.post(PATH, {"role": role})
        assert (response.status_code, response["Location"]) == (302, "/users/")
        account = User.objects.get(username=username)
        assert client.session["_auth_user_id"] == str(account.pk)
        assert account.last_login
        assert account.last_seen_at
    assert SignInEvent.objects.filter(outcome=SignInOutcome.OK).count() == len(ROLES)
    assert client.get("/users/").status_code == 200


@pytest.mark.parametrize("role", ["", "Superuser", "vera.viewer", "x\x00", "é" * 1000])
def test_another_role_is_named_as_missing(client, demo, role):
    response = client.post(PATH, {"role": role})
    assert response.status_code == 422
    assert "no demo account with this role" in read(response).one("main").text
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    "sent",
    [{"REMOTE_ADDR": "192.0.2.7"}, {"HTTP_X_FORWARDED_FOR": "192.0.2.7"}, {"HTTP_VIA": "1.1 x"}],
)
def test_only_this_machine_signs_in_without_a_password(client, demo, sent):
    assert client.post(PATH, {"role": "Viewer"}, **sent).status_code == 404
    assert "_auth_user_id" not in client.session


def test_a_form_that_is_sent_after_the_session_comes_back_after_the_choice_of_a_role(client, demo):
    client.post(PATH, {"role": "Support"})
    path = f"/users/{make_user().pk}/suspension/"
    origin = {"Origin": "http://testserver", "Referer": f"http://testserver{path}"}
    sent = form(client.get(path), path) | {"reason": "Asked for it"}
    Session.objects.all().delete()
    page = client.post(path, sent, headers=origin)
    assert page.status_code == 401
    back = client.post(PATH, form(page, PATH) | {"role": "Support"}, headers=origin)
    assert form(back, path)["reason"] == "Asked for it"
    other = client.post(PATH, form(page, PATH) | {"role": "Viewer"}, headers=origin)
    assert other["Location"] == "/users/"


def test_who_may_not_enter_is_not_offered(client, demo):
    User.objects.filter(username="vera.viewer").update(status="suspended", status_reason="x")
    User.objects.filter(username="aiko.auditor").update(is_staff=False)
    assert buttons(client) == ["Support", "Manager", "Administrator"]
    assert client.post(PATH, {"role": "Viewer"}).status_code == 422


def test_the_form_takes_a_token_and_no_get(demo):
    assert Client(enforce_csrf_checks=True).post(PATH, {"role": "Viewer"}).status_code == 403
    assert_wrong_method(Client(), PATH, allowed="POST")


def test_a_signed_in_person_may_change_to_another_role(client, demo):
    client.post(PATH, {"role": "Viewer"})
    first = client.session.session_key
    client.post(PATH, {"role": "Manager"})
    assert client.session.session_key != first
    assert client.get("/users/new/").status_code == 200


@pytest.mark.parametrize("method", ["get", "post"])
def test_without_the_setting_there_is_nothing(client, method):
    make_named(CommandActor("seed"))
    make_user()
    client.post("/login/")
    assert getattr(client, method)(PATH, {"role": "Viewer"}).status_code == 404
    assert buttons(client) == []
