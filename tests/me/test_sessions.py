"""GET /me/sessions/, and GET and POST /me/sessions/end/ and /me/sessions/<public id>/end/"""

from uuid import uuid4

import pytest
from django.test import Client

from tests.answers import assert_sent_to_sign_in, assert_wrong_method
from tests.builders import make_user
from tests.pages import read
from users.audit.models import AuditEvent
from users.models import User
from users.sessions.models import Session

pytestmark = pytest.mark.django_db
UNKNOWN = "6f1d3c5e-8a42-4b0f-9d7e-2c51b8f0a934"  # always the same: names of tests contain it


@pytest.fixture
def ada(client) -> User:
    ada = make_user()
    client.force_login(ada)
    return ada


@pytest.fixture
def other(ada) -> Client:
    other = Client()
    other.force_login(ada)
    return other


def end(browser: Client) -> str:
    return f"/me/sessions/{Session.objects.get(pk=browser.cookies['session'].value).public_id}/end/"


def signed_in(browser: Client) -> bool:
    return browser.get("/me/").status_code == 200


def test_people_see_where_they_are_signed_in_and_which_one_this_is(client, ada, other):
    Client().force_login(make_user())
    response = client.get("/me/sessions/")
    items = [item.text for item in read(response).one("ul", class_="sessions").all("li")]
    assert len(items) == 2
    assert ["This device" in item for item in items] == [not item.endswith("End") for item in items]
    assert sum("This device" in item for item in items) == 1
    for browser in (client, other):
        assert browser.cookies["session"].value not in response.content.decode()
    assert {link.attributes["href"] for link in read(response).all("a", class_="button")} == {
        "/me/sessions/end/",
        end(other),
    }


def test_alone_there_is_nothing_to_end(client, ada):
    assert not read(client.get("/me/sessions/")).all("a", class_="button")
    assert read(client.get("/me/")).all("a", href="/me/sessions/")


def test_one_of_them_is_ended(client, ada, other):
    path = end(other)
    assert read(client.get(path)).one("form", action=path)
    assert client.post(path)["Location"] == "/me/sessions/"
    assert (signed_in(client), signed_in(other)) == (True, False)
    assert client.post(path).status_code == 404
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.target_id) == (
        "account.session_ended",
        ada.pk,
        ada.pk,
    )


def test_all_others_are_ended_and_this_one_goes_on_under_a_new_key(client, ada, other):
    third = Client()
    before = client.cookies["session"].value
    third.force_login(ada)
    assert read(client.get("/me/sessions/end/")).one("form", action="/me/sessions/end/")
    response = client.post("/me/sessions/end/", follow=True)
    assert "Other devices signed out." in read(response).one("p", class_="note success").text
    assert [signed_in(browser) for browser in (client, other, third)] == [True, False, False]
    assert client.cookies["session"].value != before
    assert Session.objects.filter(account_id=ada.pk).count() == 1
    event = AuditEvent.objects.get()
    assert event.action == "account.sessions_ended"
    assert (event.before, event.after) == ({"sessions": 3}, {"sessions": 1})


def test_ending_the_one_at_hand_is_signing_out(client, ada):
    assert client.get(end(client))["Location"] == "/logout/"


def test_the_session_of_somebody_else_is_not_found(client, ada):
    stranger = Client()
    stranger.force_login(make_user())
    for path in (end(stranger), f"/me/sessions/{uuid4()}/end/", "/me/sessions/x/end/"):
        assert (client.get(path).status_code, client.post(path).status_code) == (404, 404)
    assert signed_in(stranger)


@pytest.mark.parametrize(
    "path", ["/me/sessions/", "/me/sessions/end/", f"/me/sessions/{UNKNOWN}/end/"]
)
def test_strangers_are_sent_to_sign_in(client, path):
    assert_sent_to_sign_in(client, path)


def test_other_methods_are_refused(client, ada, other):
    assert_wrong_method(client, "/me/sessions/", allowed="GET, HEAD")
    for path in ("/me/sessions/end/", end(other)):
        assert_wrong_method(client, path, allowed="GET, HEAD, POST")
