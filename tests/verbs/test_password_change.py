"""GET and POST /users/<id>/password-change/, and what it asks of the person."""

import pytest
from django.test import Client

from tests.account_rows import events
from tests.answers import errors_of
from tests.builders import PASSWORD, make_user
from tests.ladder import climb
from tests.pages import form, read

pytestmark = pytest.mark.django_db
NEW = "another-passphrase-of-mine"


def path(account) -> str:
    return f"/users/{account.pk}/password-change/"


def test_a_support_agent_requires_a_new_password(client):
    client.force_login(make_user("Support"))
    ada = make_user(password=PASSWORD)
    response = client.post(
        path(ada), form(client.get(path(ada)), path(ada)) | {"reason": "Leaked"}, follow=True
    )
    assert "must change the password" in read(response).one("p", class_="note success").text
    ada.refresh_from_db()
    assert ada.must_change_password
    [event] = events(ada)
    assert (event.action, event.reason, event.after) == (
        "account.password_change_required",
        "Leaked",
        {"must_change_password": True},
    )


def test_who_must_change_the_password_gets_to_nothing_else_first(client):
    ada = make_user("Support", password=PASSWORD, must_change_password=True)
    client.force_login(ada)
    for place in ("/users/", "/me/", "/audit/", f"/users/{ada.pk}/"):
        assert client.get(place)["Location"] == "/me/password/"
    answer = client.get("/users/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (401, "/me/password/")
    page = client.get("/me/password/")
    assert page.status_code == 200
    assert "Choose a new password to continue" in read(page).one("main").text
    assert client.get("/logout/").status_code == 200
    sent = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert client.post("/me/password/", sent)["Location"] == "/me/"
    assert client.get("/users/").status_code == 200


def test_an_open_session_is_asked_at_its_next_request(client):
    client.force_login(make_user("Support"))
    ada = make_user(password=PASSWORD)
    browser = Client()
    browser.force_login(ada)
    assert browser.get("/me/").status_code == 200
    client.post(path(ada), {"version": 1})
    assert browser.get("/me/")["Location"] == "/me/password/"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (
            {"must_change_password": True, "password": PASSWORD},
            "A password change is already required.",
        ),
        ({}, "has no password to change"),
        ({"status": "invited"}, "has no password to change"),
    ],
)
def test_where_it_would_change_nothing_it_is_refused(client, fields, says):
    client.force_login(make_user("Support"))
    ada = make_user(**fields)
    response = client.post(path(ada), {"version": 1})
    assert response.status_code == 409
    assert says in errors_of(response)[0]
    assert events(ada) == []


def test_the_ladder(client):
    climb(
        client,
        "/users/{}/password-change/",
        "require_password_change",
        "users.require_password_change",
        {"reason": "x"},
        without="Viewer",
        password=PASSWORD,
    )
