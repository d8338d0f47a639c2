"""GET and POST /users/<id>/verification/"""

import pytest
from django.utils import timezone

from tests.account_rows import events
from tests.answers import errors_of
from tests.builders import make_user
from tests.ladder import climb
from tests.pages import form, read

pytestmark = pytest.mark.django_db


def path(account) -> str:
    return f"/users/{account.pk}/verification/"


def test_a_support_agent_says_how_they_know_the_address(client):
    agent = make_user("Support")
    ada = make_user()
    client.force_login(agent)
    response = client.post(
        path(ada),
        form(client.get(path(ada)), path(ada)) | {"reason": "Rang from there"},
        follow=True,
    )
    assert (
        f"Address of {ada.display_name} verified."
        in read(response).one("p", class_="note success").text
    )
    ada.refresh_from_db()
    assert ada.email_verified_at
    [event] = events(ada)
    assert (event.action, event.actor_id, event.reason) == (
        "account.email_verified",
        agent.pk,
        "Rang from there",
    )


def test_it_takes_a_reason(client):
    client.force_login(make_user("Support"))
    response = client.post(path(make_user()), {"version": 1, "reason": " "})
    assert response.status_code == 422
    assert "required" in read(response).one("p", id="id_reason_error").text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"email": ""}, "has no address"),
        ({"email_verified_at": timezone.now()}, "already verified"),
    ],
)
def test_where_there_is_nothing_to_verify_it_is_refused(client, fields, says):
    client.force_login(make_user("Support"))
    response = client.post(path(make_user(**fields)), {"version": 1, "reason": "x"})
    assert response.status_code == 409
    assert says in errors_of(response)[0]


def test_the_ladder(client):
    climb(
        client,
        "/users/{}/verification/",
        "verify_email",
        "users.verify_email",
        {"reason": "x"},
        without="Viewer",
    )
