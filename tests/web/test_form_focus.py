"""A form that was not accepted: its title says so, and the first wrong field has the focus."""

import pytest

from tests.builders import make_user
from tests.pages import Element, form, read
from users.models import User
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client) -> User:
    agent = make_user("Manager", first_name="Ana")
    client.force_login(agent)
    return agent


def focused(response) -> list[Element]:
    return [part for part in read(response).walk() if "autofocus" in part.attributes]


@pytest.mark.parametrize(
    ("path", "sent", "field"),
    [
        ("/users/new/", {"username": "ok", "email": "x@", "phone": "call me"}, "email"),
        ("/users/{}/suspension/", {"version": "1", "reason": " "}, "reason"),
        ("/users/{}/notes/", {"text": ""}, "text"),
        ("/users/{}/edit/phone/", {"version": "1", "phone": "call me"}, "phone"),
        ("/users/bulk/suspension/?ids={}", {"reason": "x", "count": "5"}, "until"),
        ("/me/", {"version": "1", "locale": "?"}, "first_name"),
    ],
)
def test_the_first_wrong_field_has_the_focus(client, agent, path, sent, field):
    ada = make_user()
    path = path.format(ada.pk)
    if "bulk" in path:
        sent |= {"until": "soon", "duration": "until"}
    response = client.post(path, sent)
    assert response.status_code == 422
    (element,) = focused(response)
    assert element.attributes["name"] == field
    assert element.attributes["aria-invalid"] == "true"
    assert read(response).one("title").text.startswith("Error: ")
    assert not read(client.get(path)).one("title").text.startswith("Error: ")


def test_an_error_of_the_whole_form_has_the_focus_itself(client, agent):
    ada = make_user()
    paths = (f"/users/{ada.pk}/edit/", f"/users/{ada.pk}/suspension/")
    opened = {path: form(client.get(path), path) for path in paths}
    edit_profile(ada, by=agent, version=1, phone="12345")
    for path, sent in opened.items():
        response = client.post(path, sent | {"phone": "777777", "reason": "x"})
        assert response.status_code == 409
        assert [part.attributes["role"] for part in focused(response)] == ["alert"]
        assert read(response).one("title").text.startswith("Error: ")


def test_boxes_have_the_focus_together(client, agent):
    client.force_login(make_user("Administrator"))
    ada = make_user()
    response = client.post(f"/users/bulk/groups/?ids={ada.pk}", {"reason": "x", "count": "1"})
    (element,) = focused(response)
    assert (element.tag, element.one("legend").text) == ("fieldset", "Roles")


def test_a_sign_in_that_failed_begins_at_the_name(client):
    response = client.post("/login/", {"login": "ada", "password": "x"})
    assert [part.attributes["name"] for part in focused(response)] == ["login"]
    assert read(response).one("title").text == "Error: Sign in · Rollcall"
    response = client.post("/login/", {"login": "ada"})
    assert [part.attributes["name"] for part in focused(response)] == ["password"]


def test_a_date_that_history_cannot_read_is_marked(client, agent):
    response = client.get(f"/users/{agent.pk}/history/?at=soon")
    assert response.status_code == 422
    assert [part.attributes["name"] for part in focused(response)] == ["at"]
