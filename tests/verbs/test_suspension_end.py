"""POST /users/<id>/suspension/end/"""

import pytest
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import PASSWORD, make_superuser, make_user
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.mail.models import Message
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client):
    agent = make_user("Support")
    client.force_login(agent)
    return agent


def path(account) -> str:
    return f"/users/{account.pk}/suspension/end/"


def test_a_support_agent_reinstates_an_account_from_its_page(client, agent):
    ada = make_user(status="suspended", password=PASSWORD)
    link = read(client.get(f"/users/{ada.pk}/")).one("a", href=path(ada))
    sent = form(client.get(link.attributes["href"]), path(ada))
    assert sent == {"version": "1", "reason": "", "ticket": ""}
    response = client.post(path(ada), sent, follow=True)
    assert response.redirect_chain == [(f"/users/{ada.pk}/", 302)]
    assert "reinstated. Status: active." in read(response).one("p", class_="note success").text
    ada.refresh_from_db()
    assert (ada.status, ada.status_reason, ada.suspended_until) == ("active", "", None)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.target_id) == (
        "account.reinstated",
        agent.pk,
        ada.pk,
    )


def test_who_never_chose_a_password_is_invited_again(client, agent):
    ada = make_user(status="suspended")
    response = client.post(path(ada), {"version": 1}, follow=True)
    assert "reinstated. Status: invited." in read(response).one("p", class_="note success").text


@pytest.mark.parametrize(("password", "kind"), [(PASSWORD, "reinstated"), (None, "invitation")])
def test_the_person_is_told_if_so_chosen(client, agent, password, kind):
    for notify in ({}, {"notify": "on"}):
        ada = make_user(status="suspended", password=password)
        assert client.post(path(ada), {"version": 1} | notify).status_code == 302
    assert [(message.kind, message.to) for message in Message.objects.all()] == [(kind, ada.email)]


def test_an_account_that_is_not_suspended_is_not_reinstated(client, agent):
    for fields in (
        {"status": "active"},
        {"status": "invited"},
        {"status": "deleted", "deleted_at": timezone.now()},
    ):
        ada = make_user(**fields)
        response = client.post(path(ada), {"version": 1})
        assert response.status_code == 409
        assert f"This account is {fields['status']}, not suspended." in errors_of(response)
        assert read(response).one("main").all("a", href=f"/users/{ada.pk}/")
    assert not AuditEvent.objects.exists()


def test_a_stale_button_is_asked_about(client, agent):
    ada = make_user(status="suspended", password=PASSWORD)
    edit_profile(ada, by=make_superuser(), version=1, phone="12345")
    response = client.post(path(ada), {"version": 1})
    assert response.status_code == 409
    again = form(response, path(ada))
    assert again == {"version": "2", "reason": "", "ticket": ""}
    assert client.post(path(ada), again).status_code == 302
    ada.refresh_from_db()
    assert ada.status == "active"


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"version": "abc"},
        {"version": "1", "reason": "a\x00b"},
        {"version": "1", "reason": "x" * 2001},
    ],
)
def test_bad_input_changes_nothing(client, agent, sent):
    ada = make_user(status="suspended")
    response = client.post(path(ada), sent)
    assert response.status_code == 422
    assert errors_of(response)
    ada.refresh_from_db()
    assert ada.status == "suspended"


@pytest.mark.parametrize("role", ["Viewer", "Auditor"])
def test_who_may_not_reinstate_is_refused(client, role):
    viewer = make_user(role)
    ada = make_user(status="suspended")
    client.force_login(viewer)
    response = client.post(path(ada), {"version": 1})
    assert_denied(response, "users.reinstate_user", actor=viewer, target=ada, action="reinstate")
    ada.refresh_from_db()
    assert ada.status == "suspended"


def test_a_support_agent_cannot_reinstate_a_colleague(client, agent):
    colleague = make_user("Viewer", status="suspended")
    response = client.post(path(colleague), {"version": 1})
    assert_denied(response, "users.manage_staff", actor=agent, target=colleague, action="reinstate")


def test_somebody_who_is_not_staff_is_refused(client):
    ada = make_user()
    client.force_login(ada)
    assert_denied(client.post(path(make_user(status="suspended"))), "", actor=ada, action="enter")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, path(make_user(status="suspended")), methods=("post", "get"))


def test_an_unknown_id_is_not_found(client, agent):
    assert_not_found(client, "/users/{}/suspension/end/", methods=("post",))


def test_other_methods_are_refused(client, agent):
    assert_wrong_method(client, path(make_user(status="suspended")), allowed="GET, HEAD, POST")
