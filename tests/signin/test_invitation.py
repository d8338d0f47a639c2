"""An invitation from the first click to the first day: invite, mail, link, password, sign in."""

import pytest
from django.core import mail
from django.test import Client

from tests.builders import PASSWORD, make_user
from tests.pages import read
from tests.signin.links import choose, link_in_mail
from users.audit.models import AuditEvent
from users.mail.delivery import deliver_due_messages
from users.mail.models import Message
from users.models import User
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client):
    """Invited through the page, by somebody who is signed in in `client`; the mail is delivered."""
    client.force_login(make_user("Manager", username="boss"))
    client.post(
        "/users/new/", {"email": "ada@example.com", "username": "ada", "first_name": "Ada <3"}
    )
    deliver_due_messages()
    return User.objects.get(username="ada")


def test_who_is_invited_chooses_a_password_and_is_active(ada):
    message = mail.outbox[0]
    assert (message.to, message.subject) == (["ada@example.com"], "Your invitation to Example Ltd")
    assert "Ada <3, you have an account" in message.body
    assert "Ada &lt;3, you have an account" in message.alternatives[0].content
    assert "boss" not in message.body
    assert message.extra_headers["Message-ID"] == f"<{Message.objects.get().message_id}@localhost>"

    browser = Client()
    assert browser.post("/login/", {"login": "ada", "password": ""}).status_code == 422
    response = choose(browser, link_in_mail(), PASSWORD)
    assert response.redirect_chain == [("/password/chosen/", 302)]
    response = browser.post("/login/", {"login": "ada", "password": PASSWORD}, follow=True)
    assert response.redirect_chain == [("/me/", 302)]
    assert read(response).one("h1").text == "Your account"
    ada.refresh_from_db()
    assert ada.status == "active"
    assert ada.email_verified_at is not None
    assert [*AuditEvent.objects.order_by("id").values_list("action", "actor_id")][-1] == (
        "account.invitation_accepted",
        ada.pk,
    )


def test_the_link_works_once(ada):
    link = link_in_mail()
    choose(Client(), link, PASSWORD)
    assert Client().get(link).status_code == 410


def test_a_second_invitation_leaves_the_first_link_alive_until_one_is_used(ada, client):
    first = link_in_mail()
    client.post(f"/users/{ada.pk}/invitation/")
    deliver_due_messages()
    assert len(mail.outbox) == 2
    choose(Client(), link_in_mail(), PASSWORD)
    assert Client().get(first).status_code == 410


def test_a_new_address_makes_the_old_link_worthless(ada):
    link = link_in_mail()
    edit_profile(ada, by=make_user("Manager"), version=1, email="countess@example.com")
    assert Client().get(link).status_code == 410


def test_a_password_that_will_not_do_leaves_the_account_invited(ada):
    assert choose(Client(), link_in_mail(), "short").status_code == 422
    ada.refresh_from_db()
    assert ada.status == "invited"


def test_opening_the_link_in_the_browser_of_the_person_who_invited_signs_that_person_out(
    ada, client
):
    choose(client, link_in_mail(), PASSWORD)
    assert client.get("/users/").status_code == 302
