"""GET and POST /users/<id>/end-date/"""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.account_rows import events
from tests.answers import errors_of
from tests.builders import PASSWORD, make_superuser, make_user
from tests.ladder import climb
from tests.pages import form, read

pytestmark = pytest.mark.django_db
END = datetime(2999, 1, 31, 12, 30, tzinfo=UTC)


@pytest.fixture
def agent(client):
    agent = make_user("Manager")
    client.force_login(agent)
    return agent


def path(account) -> str:
    return f"/users/{account.pk}/end-date/"


def test_a_manager_sets_an_end_date_and_changes_it(client, agent):
    ada = make_user()
    untyped = {"until": "", "reason": "", "ticket": ""}
    assert form(client.get(path(ada)), path(ada)) == {"version": "1"} | untyped
    sent = {"version": 1, "until": "2999-01-31T12:30", "reason": "Contract"}
    response = client.post(path(ada), sent, follow=True)
    assert "End date set to 31 Jan 2999." in read(response).one("p", class_="note success").text
    ada.refresh_from_db()
    assert (ada.valid_until, ada.state) == (END, "active")
    [event] = events(ada)
    assert (event.action, event.actor_id, event.reason) == (
        "account.end_date_set",
        agent.pk,
        "Contract",
    )
    assert (event.before, event.after) == (
        {"valid_until": None},
        {"valid_until": "2999-01-31T12:30:00Z"},
    )
    assert form(client.get(path(ada)), path(ada)) == {
        "version": "2",
        "until": "2999-01-31T12:30",
        "reason": "",
        "ticket": "",
    }


def test_the_same_date_again_is_no_change(client, agent):
    ada = make_user(valid_until=END)
    assert client.post(path(ada), {"version": 1, "until": "2999-01-31T12:30"}).status_code == 302
    assert events(ada) == []


def test_at_the_end_an_open_session_is_over_without_any_worker(client, agent, monkeypatch):
    ada = make_user(password=PASSWORD)
    browser = Client()
    browser.force_login(ada)
    client.post(
        path(ada),
        {"version": 1, "until": (timezone.now() + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M")},
    )
    assert browser.get("/me/").status_code == 200
    later = timezone.now() + timedelta(minutes=10)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert browser.get("/me/").status_code == 302


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "required"),
        ("2001-01-01T00:00", "Choose a time in the future."),
        ("soon", "valid date/time"),
        ("99999-01-01T00:00", "valid date/time"),
    ],
)
def test_bad_input_is_named_beside_the_field_and_kept(client, agent, value, says):
    ada = make_user()
    response = client.post(path(ada), {"version": 1, "until": value, "reason": "Contract"})
    assert response.status_code == 422
    assert says in read(response).one("p", id="id_until_error").text
    assert form(response, path(ada)) == {
        "version": "1",
        "until": value,
        "reason": "Contract",
        "ticket": "",
    }


def test_an_end_before_the_beginning_is_refused_beside_the_field(client, agent):
    ada = make_user(date_joined=END)
    response = client.post(path(ada), {"version": 1, "until": "2999-01-01T00:00"})
    assert response.status_code == 422
    assert "was created on 31 Jan 2999" in read(response).one("p", id="id_until_error").text
    assert events(ada) == []


def test_the_last_superuser_who_stays_gets_no_end(client):
    root = make_superuser()
    passing = make_superuser(valid_until=timezone.now() + timedelta(days=1))
    client.force_login(passing)
    response = client.post(path(root), {"version": 1, "until": "2999-01-31T12:30"})
    assert response.status_code == 409
    assert "last active superuser" in errors_of(response)[0]


def test_the_ladder(client):
    climb(
        client,
        "/users/{}/end-date/",
        "set_end_date",
        "users.set_end_date",
        {"until": "2999-01-31T12:30"},
        without="Support",
    )
