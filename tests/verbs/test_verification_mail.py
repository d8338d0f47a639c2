"""GET and POST /users/<id>/verification/mail/"""

import pytest
from django.utils import timezone

from tests.account_rows import events
from tests.answers import errors_of
from tests.builders import make_user
from tests.ladder import climb
from tests.pages import form, read
from users.mail.models import Message

pytestmark = pytest.mark.django_db


def path(account) -> str:
    return f"/users/{account.pk}/verification/mail/"


def test_a_support_agent_sends_the_mail(client):
    agent = make_user("Support")
    ada = make_user()
    client.force_login(agent)
    sent = form(client.get(path(ada)), path(ada))
    response = client.post(path(ada), sent, follow=True)
    assert f"Email to {ada.email} queued." in read(response).one("p", class_="note success").text
    assert [(message.kind, message.to) for message in Message.objects.all()] == [
        ("verification", ada.email)
    ]
    assert [(event.action, event.actor_id) for event in events(ada)] == [
        ("account.verification_sent", agent.pk)
    ]
    assert client.post(path(ada), sent).status_code == 409
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"email": ""}, "has no address"),
        ({"email_verified_at": timezone.now()}, "already verified"),
        ({"status": "invited"}, "Accepting the invitation verifies the address"),
        ({"status": "suspended"}, "the link would not work"),
    ],
)
def test_where_the_link_would_open_nothing_none_is_sent(client, fields, says):
    client.force_login(make_user("Support"))
    response = client.post(path(make_user(**fields)), {"version": 1})
    assert response.status_code == 409
    assert says in errors_of(response)[0]
    assert not Message.objects.exists()


def test_the_ladder(client):
    climb(
        client,
        "/users/{}/verification/mail/",
        "verify_email",
        "users.verify_email",
        {},
        without="Viewer",
    )
