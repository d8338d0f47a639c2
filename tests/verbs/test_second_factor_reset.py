"""GET and POST /users/<id>/second-factor/reset/"""

import pytest
from django.test import Client

from tests.account_rows import events
from tests.answers import errors_of
from tests.builders import PASSWORD, make_user
from tests.ladder import climb
from tests.pages import form, read

pytestmark = pytest.mark.django_db


def path(account) -> str:
    return f"/users/{account.pk}/second-factor/reset/"


def test_an_administrator_resets_it_and_open_sessions_end(client):
    client.force_login(make_user("Administrator"))
    ada = make_user(has_second_factor=True, password=PASSWORD)
    browser = Client()
    browser.force_login(ada)
    response = client.post(
        path(ada), form(client.get(path(ada)), path(ada)) | {"reason": "Lost phone"}, follow=True
    )
    assert "reset. All sessions ended." in read(response).one("p", class_="note success").text
    ada.refresh_from_db()
    assert not ada.has_second_factor
    assert browser.get("/me/").status_code == 302
    [event] = events(ada)
    assert (event.action, event.reason, event.before) == (
        "account.second_factor_reset",
        "Lost phone",
        {"has_second_factor": True},
    )


def test_it_takes_a_reason_and_a_factor(client):
    client.force_login(make_user("Administrator"))
    ada = make_user(has_second_factor=True)
    assert client.post(path(ada), {"version": 1, "reason": ""}).status_code == 422
    response = client.post(path(make_user()), {"version": 1, "reason": "x"})
    assert response.status_code == 409
    assert "This account has no second factor." in errors_of(response)


def test_the_ladder(client):
    climb(
        client,
        "/users/{}/second-factor/reset/",
        "reset_second_factor",
        "users.reset_second_factor",
        {"reason": "x"},
        without="Manager",
        has_second_factor=True,
    )
