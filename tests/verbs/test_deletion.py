"""GET and POST /users/<id>/deletion/"""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from tests.account_rows import events
from tests.answers import errors_of
from tests.builders import PASSWORD, make_superuser, make_user
from tests.ladder import climb
from tests.pages import form, read
from users import access
from users.models import User
from users.verbs.deletion.verb import delete_account
from users.verbs.profile.verb import edit_profile
from users.verbs.restoration.verb import restore_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client):
    agent = make_user("Manager")
    client.force_login(agent)
    return agent


def path(account) -> str:
    return f"/users/{account.pk}/deletion/"


def test_a_manager_deletes_an_account_into_the_recycle_bin(client, agent, settings):
    settings.DELETION_GRACE_DAYS = 14
    ada = make_user(first_name="Ada")
    page = client.get(path(ada))
    assert "for 14 days" in read(page).one("main").text
    assert form(page, path(ada)) == {"version": "1", "reason": "", "ticket": ""}
    response = client.post(path(ada), {"version": 1, "reason": "Asked for it"}, follow=True)
    shown = read(response)
    assert (
        "moved to the recycle bin. All sessions ended."
        in shown.one("p", class_="note success").text
    )
    ada.refresh_from_db()
    until = ada.deleted_at + timedelta(days=14)
    assert (
        f"It can be restored until at least {until.day} {until:%b %Y}"
        in shown.one("p", class_="note error").text
    )
    assert (ada.status, ada.status_reason) == ("deleted", "Asked for it")
    [event] = events(ada)
    assert (event.action, event.actor_id, event.reason) == (
        "account.deleted",
        agent.pk,
        "Asked for it",
    )
    assert (event.before["status"], event.after["status"]) == ("active", "deleted")


def test_an_open_session_is_out_and_stays_out_after_a_restore(client, agent):
    ada = make_user(password=PASSWORD)
    browser = Client()
    browser.force_login(ada)
    client.post(path(ada), {"version": 1, "reason": "x"})
    assert browser.get("/me/").status_code == 302
    restore_account(ada, by=agent)
    assert browser.get("/me/").status_code == 302


def test_the_address_and_the_username_of_a_deleted_account_are_not_given_away(client, agent):
    ada = make_user(username="ada", email="ada@example.com")
    grace = make_user()
    client.post(path(ada), {"version": 1, "reason": "x"})
    sent = {"username": "someone", "email": "ADA@example.com"}
    invited = client.post("/users/new/", sent)
    assert (invited.status_code, read(invited).one("p", id="id_email_error").text) == (
        422,
        "A deleted account has this address. Restore it instead.",
    )
    named = client.post("/users/new/", {"username": "Ada", "email": "new@example.com"})
    assert named.status_code == 422
    assert (
        read(named).one("p", id="id_username_error").text == "A deleted account has this username."
    )
    with pytest.raises(ValidationError) as caught:
        edit_profile(grace, by=agent, version=1, email="ada@example.com")
    assert list(caught.value.message_dict) == ["email"]
    field = client.post(
        f"/users/{grace.pk}/edit/email/", {"version": 1, "email": "ada@EXAMPLE.com"}
    )
    assert (field.status_code, read(field).one("p", id="email_email_error").text) == (
        422,
        "A deleted account has this address. Restore it instead.",
    )
    assert form(field, f"/users/{grace.pk}/edit/email/")["email"] == "ada@EXAMPLE.com"
    assert User.objects.filter(email="ada@example.com").get() == ada


@pytest.mark.parametrize("reason", ["", " ", "x" * 2001, "x" * 100_000, "a\x00b"])
def test_a_bad_reason_is_named_beside_the_field_and_kept(client, agent, reason):
    ada = make_user()
    response = client.post(path(ada), {"version": 1, "reason": reason})
    assert response.status_code == 422
    assert read(response).one("p", id="id_reason_error").text
    assert form(response, path(ada))["reason"] == reason
    ada.refresh_from_db()
    assert ada.status == "active"


@pytest.mark.parametrize("status", ["deleted", "erased"])
def test_what_is_gone_is_not_deleted_again(client, agent, status):
    ada = make_user(status=status, deleted_at=timezone.now())
    response = client.post(path(ada), {"version": 1, "reason": "x"})
    assert response.status_code == 409
    assert f"This account is already {status}." in errors_of(response)
    assert events(ada) == []


def test_a_reason_can_be_chosen_and_written_on(client, agent):
    ada = make_user()
    links = read(client.get(path(ada))).one("nav", class_="suggestions").all("a")
    chosen = next(link for link in links if link.text.startswith("Duplicate account"))
    assert (
        form(client.get(chosen.attributes["href"]), path(ada))["reason"]
        == chosen.attributes["data-text"]
    )
    assert form(client.get(path(ada) + "?template=nonsense"), path(ada))["reason"] == ""


def test_the_last_superuser_is_not_deleted(client):
    root = make_superuser()
    passing = make_superuser(valid_until=timezone.now() + timedelta(days=1))
    client.force_login(passing)
    response = client.post(path(root), {"version": 1, "reason": "x"})
    assert response.status_code == 409
    assert "last active superuser" in errors_of(response)[0]


def test_a_suspended_administrator_cannot_be_deleted_by_a_manager(agent):
    with pytest.raises(access.Denied):
        delete_account(make_user("Administrator", status="suspended"), by=agent, reason="x")


def test_the_ladder(client):
    climb(
        client,
        "/users/{}/deletion/",
        "delete",
        "users.delete_user",
        {"reason": "x"},
        without="Support",
    )
