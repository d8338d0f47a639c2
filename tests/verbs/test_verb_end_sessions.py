"""verbs.end_session, end_sessions, end_lockout, and the same for oneself."""

from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.test import Client

from tests.account_rows import events, events_refused, row
from tests.builders import make_superuser, make_user
from tests.threads import at_once
from users import access
from users.audit.models import AuditEvent
from users.exceptions import VerbRefused
from users.models import User
from users.sessions.models import Session
from users.verbs.lockout_end.verb import end_lockout
from users.verbs.session_end.verb import (
    end_own_session,
    end_own_sessions,
    end_session,
    end_sessions,
)

pytestmark = pytest.mark.django_db

FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


def browse(account: User, number: int = 1) -> list[Client]:
    browsers = [Client(headers=FIREFOX) for _ in range(number)]
    for browser in browsers:
        browser.force_login(account)
        Session.objects.filter(pk=browser.cookies["session"].value).update(
            user_agent=FIREFOX["User-Agent"]
        )
    return browsers


def signed_in(browser: Client) -> bool:
    return browser.get("/me/").status_code == 200


def public_id(browser: Client):
    return Session.objects.get(pk=browser.cookies["session"].value).public_id


def test_one_session_ends_and_the_others_go_on():
    ada = make_user()
    root = make_superuser()
    one, other = browse(ada, 2)
    end_session(ada, public_id(one), by=root, reason=" Lost phone ")
    assert (signed_in(one), signed_in(other)) == (False, True)
    [event] = events(ada)
    assert (event.action, event.actor_id, event.reason) == (
        "account.session_ended",
        root.pk,
        "Lost phone",
    )
    assert (event.before, event.after) == (
        {"session": "Firefox 140 on Linux"},
        {"session": "ended"},
    )


def test_all_sessions_end_by_epoch_and_by_row_and_no_version_is_made():
    ada = make_user()
    browsers = browse(ada, 3)
    stranger = browse(make_user())[0]
    before = row(ada)
    end_sessions(ada, by=make_superuser(), reason="Stolen laptop")
    after = row(ada)
    assert after == before | {"session_epoch": before["session_epoch"] + 1}
    assert not any(signed_in(browser) for browser in browsers)
    assert signed_in(stranger)
    [event] = events(ada)
    assert (event.action, event.before, event.after) == (
        "account.sessions_ended",
        {"sessions": 3},
        {"sessions": 0},
    )


def test_where_nothing_is_open_nothing_happens():
    ada = make_user()
    grace = make_user()
    root = make_superuser()
    [browser] = browse(grace)
    for verb in (
        lambda: end_sessions(ada, by=root),
        lambda: end_session(ada, uuid4(), by=root),
        lambda: end_session(ada, public_id(browser), by=root),
        lambda: end_own_session(ada, public_id(browser)),
        lambda: end_own_sessions(ada),
        lambda: end_lockout(ada, by=root),
    ):
        with pytest.raises(VerbRefused):
            verb()
    assert events() == []
    assert signed_in(browser)


@pytest.mark.parametrize("role", ["Viewer", "Auditor"])
def test_who_may_not_is_denied(role):
    ada = make_user()
    [browser] = browse(ada)
    by = User.objects.get(pk=make_user(role).pk)
    for verb, permission in (
        (lambda: end_sessions(ada, by=by), "users.end_sessions"),
        (lambda: end_session(ada, public_id(browser), by=by), "users.end_sessions"),
        (lambda: end_lockout(ada, by=by), "users.end_lockout"),
    ):
        with pytest.raises(access.Denied) as caught:
            verb()
        assert caught.value.permission == permission
    assert signed_in(browser)


def test_without_its_event_no_session_ends():
    ada = make_user()
    root = make_superuser()
    browse(ada)
    with events_refused(), pytest.raises(IntegrityError, match="full_disk"):
        end_sessions(ada, by=root)
    assert Session.objects.filter(account_id=ada.pk).exists()
    assert User.objects.get(pk=ada.pk).session_epoch == 0


def test_people_end_their_own():
    ada = make_user()
    one, other = browse(ada, 2)
    end_own_session(ada, public_id(other))
    assert (signed_in(one), signed_in(other)) == (True, False)
    end_own_sessions(ada)
    assert not signed_in(one)
    assert [(event.action, event.actor_id) for event in events(ada)] == [
        ("account.session_ended", ada.pk),
        ("account.sessions_ended", ada.pk),
    ]


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_are_one_event():
    ada = make_user()
    root = make_superuser()
    browse(ada, 2)
    answers = at_once(*[lambda: end_sessions(ada, by=root)] * 2)
    assert sorted(type(answer).__name__ for answer in answers) == ["User", "VerbRefused"]
    assert AuditEvent.objects.filter(action="account.sessions_ended").count() == 1
    assert User.objects.get(pk=ada.pk).session_epoch == 1
