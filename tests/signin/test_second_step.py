"""GET and POST /login/2fa/"""

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from tests.answers import assert_sent_to_sign_in, assert_wrong_method, errors_of
from tests.builders import PASSWORD, make_user
from tests.factors.factors import app_code, give_app
from tests.pages import form
from users.factors.verification import use_code
from users.models import User
from users.sessions.models import Session, SignInEvent

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

PATH = "/login/2fa/"


@pytest.fixture
def ada():
    return make_user("Viewer", username="ada", password=PASSWORD)


@pytest.fixture
def codes(ada):
    return give_app(ada)


def start(client, **more: str):
    return client.post("/login/", {"login": "ada", "password": PASSWORD} | more)


def outcomes() -> list[tuple[str, str]]:
    return list(SignInEvent.objects.order_by("pk").values_list("outcome", "way"))


def test_the_password_alone_opens_nothing_and_the_code_leads_to_where_one_wanted(client, codes):
    assert start(client, next="/users/?status=invited")["Location"] == PATH
    assert client.get("/users/").status_code == 302
    assert form(client.get(PATH), PATH) == {"code": ""}
    response = client.post(PATH, {"code": f" {app_code()[:3]} {app_code()[3:]} "})
    assert response["Location"] == "/users/?status=invited"
    assert client.get("/users/").status_code == 200
    assert outcomes() == [("ok", "app")]


def test_a_recovery_code_works_once_in_place_of_the_app(client, codes):
    spaced = f"{codes[3][:4]} {codes[3][4:]}"
    start(client)
    assert client.post(PATH, {"code": spaced}).status_code == 302
    other = Client()
    start(other)
    response = other.post(PATH, {"code": spaced})
    assert response.status_code == 422
    assert outcomes() == [("ok", "recovery"), ("wrong-factor", "app")]


def test_a_code_works_once_and_not_before_or_long_after_its_time(ada, codes):
    assert use_code(ada, app_code(later=3)) is None
    assert use_code(ada, app_code(later=-3)) is None
    assert use_code(ada, app_code()) is not None
    assert use_code(ada, app_code()) is None
    assert use_code(ada, app_code(later=-1)) is None  # older than the one that was used
    assert use_code(ada, app_code(later=1)) is not None


def test_wrong_codes_are_named_and_guessing_them_ends(client, codes):
    start(client)
    answers = [client.post(PATH, {"code": code}) for code in ("000", "abc", "½⑨", "\x00", "0" * 40)]
    assert {answer.status_code for answer in answers} == {422}
    assert any("wrong or was used" in error for error in errors_of(answers[0]))
    assert client.post(PATH, {"code": ""}).status_code == 422
    while (last := client.post(PATH, {"code": "1"})).status_code == 422:
        pass
    assert last.status_code == 429
    assert client.post(PATH, {"code": app_code()}).status_code == 429
    assert ("throttled", "app") in outcomes()
    assert client.get("/users/").status_code == 302


@pytest.mark.parametrize("answer", ["[]", "{}", "null", "1", "{", "[" * 5000, '{"id": 1}'])
def test_a_made_up_passkey_is_refused(client, codes, answer):
    start(client)
    client.post(f"{PATH}options/")
    assert client.post(PATH, {"credential": answer, "code": ""}).status_code == 422
    client.post("/login/passkey/options/")
    assert client.post("/login/passkey/", {"credential": answer}).status_code == 422


def test_an_account_that_was_suspended_meanwhile_does_not_get_in(client, ada, codes):
    start(client)
    User.objects.filter(pk=ada.pk).update(status="suspended", status_reason="x")
    assert client.post(PATH, {"code": app_code()})["Location"] == "/inactive/"
    assert client.get("/users/").status_code == 302


def test_a_secret_whose_key_is_lost_matches_nothing(client, ada, codes):
    app = Authenticator.objects.get(user=ada, type="totp")
    app.data["secret"] = "gAAAAA-of-another-key"
    app.save()
    start(client)
    assert client.post(PATH, {"code": app_code()}).status_code == 422
    assert client.post(PATH, {"code": codes[0]}).status_code == 302


def test_without_a_password_before_one_is_sent_to_sign_in(client):
    for path in (PATH, f"{PATH}options/"):
        response = client.post(path)
        assert response.status_code == 302
        assert response["Location"] == "/login/"
    assert_wrong_method(client, PATH, allowed="GET, HEAD, POST")
    assert_wrong_method(client, "/login/passkey/", allowed="POST")
    assert_sent_to_sign_in(client, "/me/second-factor/")


def test_a_form_outlives_the_session_through_the_second_step(client, ada, codes):
    path = "/me/"
    client.force_login(ada)
    fields = form(client.get(path), path) | {"first_name": "Augusta"}
    Session.objects.all().delete()
    origin = "http://testserver"
    page = client.post(path, fields, headers={"Origin": origin, "Referer": origin + path})
    sent = form(page, "/login/") | {"login": "ada", "password": PASSWORD}
    assert client.post("/login/", sent)["Location"] == PATH
    response = client.post(PATH, {"code": app_code()})
    assert response.status_code == 200
    assert form(response, path)["first_name"] == "Augusta"
