"""GET and POST /users/<id>/history/<field>/?at=…"""

import pytest
from django.utils import timezone

from tests.account.test_history import JOINED, on
from tests.account_rows import events
from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method, errors_of
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users.models import User
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client):
    agent = make_user("Support", username="agent")
    client.force_login(agent)
    return agent


@pytest.fixture
def ada(agent):
    ada = make_user(
        username="ada",
        email="ada@example.com",
        phone="11111",
        date_joined=JOINED,
        email_verified_at=JOINED,
    )
    on(
        2,
        lambda: edit_profile(
            ada, by=agent, version=1, phone="22222", username="ada2", email="new@example.com"
        ),
    )
    return User.objects.get(pk=ada.pk)


def path(account, name: str = "phone", at: str = "2026-02-01") -> str:
    return f"/users/{account.pk}/history/{name}/?at={at}"


def test_a_value_is_put_back_with_its_reason(client, agent, ada):
    response = client.get(path(ada))
    assert "11111" in read(response).one("dl", class_="facts").text
    sent = form(response, path(ada))
    assert sent == {"version": "2", "reason": "", "ticket": ""}
    response = client.post(path(ada), sent | {"reason": "A mistake"})
    assert response["Location"] == f"/users/{ada.pk}/"
    ada.refresh_from_db()
    assert (ada.phone, ada.username, ada.version) == ("11111", "ada2", 3)
    event = events(ada)[-1]
    assert (event.action, event.actor_id, event.reason) == (
        "account.put_back",
        agent.pk,
        "A mistake",
    )
    assert (event.before, event.after) == ({"phone": "22222"}, {"phone": "11111"})


def test_an_address_that_is_put_back_is_an_unverified_one(client, ada):
    client.post(path(ada, "email"), {"version": 2, "reason": "x"})
    ada.refresh_from_db()
    assert (ada.email, ada.email_verified_at) == ("ada@example.com", None)


@pytest.mark.parametrize(
    ("name", "fields", "says"),
    [
        ("username", {"username": "ada"}, "This username is taken."),
        ("email", {"email": "ada@example.com"}, "Another account"),
    ],
)
def test_a_name_that_somebody_else_has_by_now_does_not_go_back(client, ada, name, fields, says):
    make_user(**{"username": "grace"} | fields)
    response = client.post(path(ada, name), {"version": 2, "reason": "x"})
    assert response.status_code == 409
    assert says in errors_of(response)[0]
    assert form(response, path(ada, name))["reason"] == "x"
    assert len(events(ada)) == 1


def test_an_account_that_changed_meanwhile_is_asked_about(client, ada):
    edit_profile(ada, by=make_superuser(), version=2, first_name="Augusta")
    response = client.post(path(ada), {"version": 2, "reason": "x"})
    assert response.status_code == 409
    again = form(response, path(ada))
    assert again == {"version": "3", "reason": "x", "ticket": ""}
    assert client.post(path(ada), again).status_code == 302


def test_a_value_that_is_back_already_is_not_put_back_twice(client, ada):
    for version, status in ((2, 302), (3, 409)):
        assert client.post(path(ada), {"version": version, "reason": "x"}).status_code == status
    assert len(events(ada)) == 2


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("reason", " ", "required"),
        ("reason", "x" * 2001, "at most 2000"),
        ("version", "x", "Reload"),
    ],
)
def test_bad_input_is_named_and_kept(client, ada, field, value, says):
    response = client.post(path(ada), {"version": 2, "reason": "x"} | {field: value})
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    assert len(events(ada)) == 1


@pytest.mark.parametrize("at", ["soon", "2999-01-01", "", "2025-12-31"])
def test_a_moment_of_which_nothing_is_known_is_named(client, ada, at):
    response = client.post(path(ada, at=at), {"version": 2, "reason": "x"})
    assert response.status_code == 400
    assert "at" in read(response).one("main").text.split()
    assert len(events(ada)) == 1


@pytest.mark.parametrize("name", ["status", "is_superuser", "groups", "password", "nonsense"])
def test_only_the_profile_goes_back(client, name):
    root = make_superuser()
    ada = make_user(date_joined=JOINED)
    client.force_login(root)
    assert client.post(path(ada, name), {"version": 1, "reason": "x"}).status_code == 404


def test_what_the_browser_sends_beside_it_counts_for_nothing(client, agent, ada):
    client.post(
        path(ada),
        {"version": 2, "reason": "x", "phone": "666", "value": "666", "is_superuser": "on"},
    )
    ada.refresh_from_db()
    assert (ada.phone, ada.is_superuser) == ("11111", False)
    assert [event.after["fields"] for event in events(ada) if event.action == "denied"] == [
        ["is_superuser"]
    ]


def test_a_deleted_account_stays_as_it_is(client, ada):
    User.objects.filter(pk=ada.pk).update(status="deleted", deleted_at=timezone.now())
    assert client.post(path(ada), {"version": 2, "reason": "x"}).status_code == 409


def test_who_may_only_look_is_refused(client, ada):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    for answer in (client.get(path(ada)), client.post(path(ada), {"version": 2, "reason": "x"})):
        assert_denied(answer, "users.edit_user", actor=viewer, target=ada, action="edit")


def test_the_ladder(client, ada):
    for bad in ("0", str(2**63), "x", "-1"):
        assert client.post(f"/users/{bad}/history/phone/?at=2026-02-01").status_code == 404
    assert_wrong_method(client, path(ada), allowed="GET, HEAD, POST")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, f"/users/{make_user().pk}/history/phone/", methods=("post",))
