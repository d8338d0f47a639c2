"""A session that someone ended says so at sign-in: who did it, when, and the way back."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.utils import timezone

from tests.builders import PASSWORD, make_superuser, make_user
from tests.bulk.running import run
from tests.pages import form, read
from users.models import User
from users.sessions import store
from users.sessions.models import Session
from users.verbs.deletion.verb import delete_account
from users.verbs.password_reset.verb import choose_password
from users.verbs.session_end.verb import end_own_sessions, end_session, end_sessions
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user("Support", username="ada", first_name="Ada", password=PASSWORD)


@pytest.fixture
def root() -> User:
    return make_superuser(first_name="Ana", last_name="Admin")


@pytest.fixture
def browser(ada, client_factory) -> Client:
    browser = client_factory(ada)
    assert browser.get("/users/").status_code == 200
    return browser


def by_verb(ada: User, root: User) -> None:
    end_sessions(ada, by=root)


def one_by_verb(ada: User, root: User) -> None:
    end_session(ada, store.valid_sessions(ada)[0].public_id, by=root)


def by_job(ada: User, root: User) -> None:
    assert run("sessions-end", [ada], by=root).changed == 1


@pytest.mark.parametrize("end", [by_verb, one_by_verb, by_job])
def test_the_sign_in_page_says_who_ended_the_session_and_leads_back(ada, root, browser, end):
    end(ada, root)
    response = browser.get("/users/?q=x", follow=True)
    note = read(response).one("p", class_="note").text
    assert note.startswith("Ana Admin ended your session on ")
    assert str(timezone.localtime().year) in read(response).one("time").attributes["datetime"]
    sent = form(response, "/login/") | {"login": "ada", "password": PASSWORD}
    assert browser.post("/login/", sent)["Location"] == "/users/?q=x"
    assert "ended your session" not in browser.get("/me/").content.decode()
    browser.post("/logout/")
    assert "ended your session" not in browser.get("/login/").content.decode()


def by_suspension(ada: User, root: User) -> None:
    suspend_account(ada, by=root, reason="Why")


def by_suspension_job(ada: User, root: User) -> None:
    assert run("suspension", [ada], by=root, reason="Why").changed == 1


def by_deletion(ada: User, root: User) -> None:
    delete_account(ada, by=root, reason="Why")


def by_password(ada: User, root: User) -> None:
    choose_password(ada, "another-pass-phrase")


@pytest.mark.parametrize(
    ("end", "cause"),
    [
        (by_suspension, "the account was suspended"),
        (by_suspension_job, "the account was suspended"),
        (by_deletion, "the account was deleted"),
        (by_password, "the password of the account was changed"),
    ],
)
def test_the_sign_in_page_says_which_change_ended_the_session(ada, root, browser, end, cause):
    end(ada, root)
    note = read(browser.get("/users/", follow=True)).one("p", class_="note").text
    assert note.startswith("Your session ended on ")
    assert note.endswith(f", because {cause}.")
    assert "Ana" not in note


def test_a_request_that_is_under_way_does_not_bring_the_session_back(ada, root, browser):
    under_way = store.SessionStore(browser.cookies["session"].value)
    under_way["x"] = 1
    end_session(ada, store.valid_sessions(ada)[0].public_id, by=root)
    with pytest.raises(UpdateError):
        under_way.save()
    assert "Ana Admin ended your session" in read(browser.get("/users/", follow=True)).text


def test_ones_own_doing_is_said_to_be_ones_own(ada, browser):
    end_own_sessions(ada)
    text = read(browser.get("/users/", follow=True)).text
    assert "You ended this session yourself on " in text


def test_an_ended_session_belongs_to_nobody_and_is_swept_within_a_day(ada, root, browser):
    end_sessions(ada, by=root)
    assert store.valid_sessions(ada) == []
    session = Session.objects.get(account_id=None)
    assert (session.ip, session.user_agent) == (None, "")
    assert session.expire_date < timezone.now() + timedelta(days=1)
    assert browser.get("/me/").status_code == 302


def test_a_session_that_ran_out_gives_no_reason(ada, browser):
    Session.objects.all().delete()
    assert "ended your session" not in browser.get("/users/", follow=True).content.decode()
