"""POST /users/<id>/invitation/ sends the invitation once more."""

import pytest
from django.core import mail

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.mail.delivery import deliver_due_messages
from users.mail.models import Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client):
    manager = make_user("Manager")
    client.force_login(manager)
    return manager


def path(account) -> str:
    return f"/users/{account.pk}/invitation/"


def test_a_manager_sends_the_invitation_again(client, manager):
    ada = make_user(username="ada", status="invited")
    response = client.post(path(ada), follow=True)
    assert response.redirect_chain == [(f"/users/{ada.pk}/", 302)]
    assert (
        "Invitation to ada@example.com queued again."
        in read(response).one("p", class_="note success").text
    )
    deliver_due_messages()
    assert [message.to for message in mail.outbox] == [["ada@example.com"]]
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.target_id) == (
        "account.invited_again",
        manager.pk,
        ada.pk,
    )


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"status": "active"}, "This account is active; it has no open invitation."),
        (
            {"status": "suspended"},
            "This account is suspended; it has no open invitation.",
        ),
        ({"status": "invited", "email": ""}, "no address"),
    ],
)
def test_where_there_is_nothing_to_send_the_answer_says_why(client, manager, fields, says):
    ada = make_user(**fields)
    response = client.post(path(ada))
    assert response.status_code == 409
    main = read(response).one("main")
    assert says in main.text
    assert main.one("a", class_="button").attributes["href"] == f"/users/{ada.pk}/"
    assert not Message.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("role", ["Viewer", "Support", "Auditor"])
def test_who_may_not_invite_is_refused(client, role):
    viewer = make_user(role)
    ada = make_user(status="invited")
    client.force_login(viewer)
    assert_denied(
        client.post(path(ada)), "users.invite_user", actor=viewer, target=ada, action="invite"
    )
    assert not Message.objects.exists()


def test_a_manager_cannot_invite_a_future_superuser_again(client, manager):
    root = make_superuser(status="invited")
    assert_denied(client.post(path(root)), "", actor=manager, target=root, action="invite")


def test_somebody_who_is_not_staff_is_refused(client):
    ada = make_user()
    client.force_login(ada)
    assert_denied(client.post(path(ada)), "", actor=ada, action="enter")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, path(make_user(status="invited")), methods=("post", "get"))
    assert not Message.objects.exists()


def test_an_unknown_id_is_not_found(client, manager):
    assert_not_found(client, "/users/{}/invitation/", methods=("post",))


def test_the_page_asks_first_and_other_methods_are_refused(client, manager):
    ada = make_user(status="invited")
    assert form(client.get(path(ada)), path(ada)) == {}
    assert_wrong_method(client, path(ada), allowed="GET, HEAD, POST")
    assert not Message.objects.exists()
