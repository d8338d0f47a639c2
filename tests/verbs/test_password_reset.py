"""GET and POST /users/<id>/password-reset/"""

import pytest
from django.core import mail
from django.utils import timezone

from tests.account_rows import events
from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import PASSWORD, make_user
from tests.pages import form, read
from tests.signin.links import choose, link_in_mail
from users.mail.delivery import deliver_due_messages
from users.mail.models import Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client):
    agent = make_user("Support")
    client.force_login(agent)
    return agent


def path(account) -> str:
    return f"/users/{account.pk}/password-reset/"


def test_a_support_agent_sends_a_link_with_which_the_person_chooses(client, agent):
    ada = make_user(password=PASSWORD)
    response = client.post(path(ada), form(client.get(path(ada)), path(ada)), follow=True)
    assert f"Email to {ada.email} queued." in read(response).one("p", class_="note success").text
    [event] = events(ada)
    assert (event.action, event.actor_id, event.before, event.after) == (
        "account.password_reset_sent",
        agent.pk,
        {},
        {},
    )
    ada.refresh_from_db()
    assert (ada.version, ada.check_password(PASSWORD)) == (1, True)
    deliver_due_messages()
    client.logout()
    choose(client, link_in_mail(), "another-passphrase-of-mine")
    ada.refresh_from_db()
    assert ada.check_password("another-passphrase-of-mine")
    assert len(mail.outbox) == 1


def test_a_second_click_sends_no_second_mail(client, agent):
    ada = make_user(password=PASSWORD)
    sent = form(client.get(path(ada)), path(ada))
    assert [client.post(path(ada), sent).status_code for _ in range(2)] == [302, 409]
    assert (Message.objects.count(), len(events(ada))) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"status": "invited"}, "Invite it again instead."),
        ({"status": "suspended"}, "This account is suspended, so the link would not work."),
        (
            {"valid_until": "2020-01-01T00:00Z"},
            "This account is expired, so the link would not work.",
        ),
        (
            {"status": "deleted", "deleted_at": timezone.now()},
            "This account is deleted and can’t be changed.",
        ),
        (
            {"status": "erased", "deleted_at": timezone.now()},
            "This account is erased and can’t be changed.",
        ),
        ({"email": ""}, "This account has no address."),
    ],
)
def test_where_the_link_would_open_nothing_none_is_sent(client, agent, fields, says):
    ada = make_user(**fields)
    response = client.post(path(ada), {"version": 1})
    assert response.status_code == 409
    assert says in errors_of(response)[0]
    assert not Message.objects.exists()
    assert events(ada) == []


def test_no_form_takes_a_password_of_another_person(client, agent):
    ada = make_user(password=PASSWORD)
    client.post(
        path(ada),
        {"version": 1, "password": "chosen-by-the-desk", "password1": "chosen-by-the-desk"},
    )
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_who_may_not_is_refused(client):
    viewer = make_user("Viewer")
    ada = make_user()
    client.force_login(viewer)
    for answer in (client.get(path(ada)), client.post(path(ada), {"version": 1})):
        assert_denied(
            answer, "users.reset_password", actor=viewer, target=ada, action="reset_password"
        )
    assert not Message.objects.exists()


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, path(make_user()))


def test_an_unknown_id_is_not_found(client, agent):
    assert_not_found(client, "/users/{}/password-reset/")


def test_other_methods_are_refused(client, agent):
    assert_wrong_method(client, path(make_user()), allowed="GET, HEAD, POST")


@pytest.mark.parametrize("version", ["", "abc"])
def test_a_broken_form_is_named(client, agent, version):
    response = client.post(path(make_user()), {"version": version})
    assert (response.status_code, Message.objects.count()) == (422, 0)
    assert "Reload" in errors_of(response)[0]
