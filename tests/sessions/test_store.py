"""Sessions: what the cache holds is a hint; the row decides, at every request."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import PASSWORD, make_user
from tests.caching.looking import process
from tests.sessions.signed_in import cached, key_of, row, signed_in
from users.access import CommandActor
from users.models import State, User
from users.sessions import store as sessions
from users.sessions import tasks
from users.sessions.models import Session
from users.sessions.store import SessionStore
from users.verbs.password_reset.verb import choose_password
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db

COMMAND = CommandActor("test")
# Another key, and the one that it replaced.
NEW = "a-new-key-0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLM"


@pytest.fixture
def client(client, ada) -> Client:
    """Signed in as Ada; cache and near memory hold the session."""
    client.force_login(ada)
    assert signed_in(client)
    assert cached(key_of(client))
    return client


@pytest.fixture
def ada() -> User:
    return make_user("Viewer", username="ada")


def write(statement: str, *values: object) -> None:
    """By somebody who knows nothing of the cache."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


# --- a session that ends --------------------------------------------------------------------------

ENDS: dict[str, Callable[[User, str], object]] = {
    "row deleted": lambda ada, key: Session.objects.all().delete(),
    "row deleted by hand": lambda ada, key: write(
        "DELETE FROM users_session WHERE session_key = %s", key
    ),
    "row expired": lambda ada, key: Session.objects.update(
        expire_date=timezone.now() - timedelta(microseconds=1)
    ),
    "sessions cleared": lambda ada, key: (
        Session.objects.update(expire_date=timezone.now() - timedelta(days=1)),
        SessionStore.clear_expired(),
    ),
    "epoch raised": lambda ada, key: write(
        "UPDATE users_user SET session_epoch = session_epoch + 1"
    ),
    "password changed": lambda ada, key: write(
        "UPDATE users_user SET password = 'x' WHERE id = %s", ada.pk
    ),
    "password chosen": lambda ada, key: choose_password(ada, "another-long-passphrase"),
    "suspended": lambda ada, key: suspend_account(ada, by=COMMAND, reason="Why"),
    "suspended by hand": lambda ada, key: write(
        "UPDATE users_user SET status = 'suspended', status_reason = 'x'"
    ),
    "ended": lambda ada, key: User.objects.filter(pk=ada.pk).update(valid_until=timezone.now()),
    "account deleted": lambda ada, key: ada.delete(),
    "text that is none": lambda ada, key: Session.objects.update(session_data="rubbish"),
    "somebody else's text": lambda ada, key: Session.objects.update(
        session_data=SessionStore().encode({"a": 1})
    ),
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("path", ["/users/", "/me/"])
def test_a_session_is_over_at_the_very_next_request_whatever_the_cache_holds(
    client, ada, name, path
):
    key = key_of(client)
    text = cached(key_of(client))
    assert client.get(path).status_code == 200
    ENDS[name](ada, key)
    if name not in (
        "password chosen",
        "suspended",
    ):  # verbs remove the rows, and what the cache has of them
        assert cached(key) == text  # nobody has told the cache
    response = client.get(path)
    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/login/")
    client.cookies["session"] = key
    assert not signed_in(client)


def test_a_session_that_ended_is_not_written_again_by_who_holds_it(client):
    key = key_of(client)
    text = cached(key_of(client))
    Session.objects.all().delete()
    assert not signed_in(client)
    caches["pages"].set(f"session:{key}", text)  # another process, say, that was slow
    client.cookies["session"] = key
    assert not signed_in(client)
    assert row(key) is None


def test_an_account_that_may_act_again_may_go_on_where_its_session_was_left(client, ada):
    until = timezone.now() + timedelta(hours=1)
    User.objects.filter(pk=ada.pk).update(
        status=State.SUSPENDED, status_reason="x", suspended_until=until
    )
    assert not signed_in(client)
    User.objects.filter(pk=ada.pk).update(status=State.ACTIVE, suspended_until=None)
    assert signed_in(client)


# --- a cache that lies ----------------------------------------------------------------------------


# --- keys that are replaced -----------------------------------------------------------------------


@pytest.mark.parametrize("lost", [False, True], ids=["kept", "lost from the cache"])
def test_a_session_goes_on_under_a_new_secret_key(client, lost):
    old = key_of(client)
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        if lost:
            caches["pages"].clear()
        assert signed_in(client)
        new = key_of(client)
        assert new != old
        assert (row(old), cached(old)) == (None, None)
        assert signed_in(client)
        assert key_of(client) == new
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[]):
        assert signed_in(client)


def test_without_the_old_key_the_session_is_over(client):
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[]):
        assert not signed_in(client)
        assert not signed_in(client)


# --- signing in and out ---------------------------------------------------------------------------


def test_signing_in_changes_the_key_and_forgets_the_one_before(ada):
    ada.set_password(PASSWORD)
    ada.save()
    client = Client()
    client.force_login(make_user())
    before = key_of(client)
    client.post("/logout/")
    assert (row(before), cached(before)) == (None, None)
    client.post("/login/", {"login": "ada", "password": PASSWORD})
    assert key_of(client) != before
    assert signed_in(client)
    assert cached(key_of(client)) == row(key_of(client)).session_data


def test_signing_out_in_one_process_is_over_in_the_other(client):
    key = key_of(client)
    other = {}
    with process(other):
        there = Client()
        there.cookies["session"] = key
        assert signed_in(there)
        assert cached(key)
    client.post("/logout/")
    with process(other):
        assert cached(key)  # near memory, or memory of its own, has it still
        there.cookies["session"] = key
        assert not signed_in(there)


# --- the sessions of an account -------------------------------------------------------------------


def test_a_row_says_whose_session_it_is_and_where_it_began(ada):
    ada.set_password(PASSWORD)
    ada.save()
    client = Client(headers={"User-Agent": "A browser " * 40}, REMOTE_ADDR="192.0.2.7")
    client.post("/login/", {"login": "ada", "password": PASSWORD})
    session = Session.objects.get()
    assert (session.account_id, session.ip, session.user_agent) == (
        ada.pk,
        "192.0.2.7",
        ("A browser " * 40)[:200],
    )
    assert str(session.public_id) not in key_of(client)
    assert str(session) == str(session.public_id)


def test_a_session_that_goes_on_keeps_where_it_began(client):
    before = row(key_of(client))
    session = SessionStore(key_of(client))
    session["note"] = 1
    session.save()
    after = row(key_of(client))
    assert after.session_data != before.session_data
    assert (after.public_id, after.created_at, after.ip) == (
        before.public_id,
        before.created_at,
        before.ip,
    )


def test_a_stranger_who_has_a_session_is_nobody():
    session = SessionStore()
    session["step"] = 1
    session.save()
    assert Session.objects.get().account_id is None


def test_one_session_is_ended_by_its_public_id_and_only_by_its_accounts(client, ada):
    other = Client()
    grace = make_user()
    other.force_login(ada)
    public = row(key_of(client)).public_id
    assert sessions.delete_session(grace.pk, public) is None
    assert sessions.delete_session(ada.pk, uuid4()) is None
    assert sessions.delete_session(ada.pk, public).account_id == ada.pk
    assert cached(key_of(client)) is None
    assert (signed_in(client), signed_in(other)) == (False, True)
    assert sessions.delete_session(ada.pk, public) is None


def test_all_sessions_of_an_account_are_ended_and_no_others(client, ada):
    others = [Client(), Client()]
    stranger = Client()
    for browser in others:
        browser.force_login(ada)
    stranger.force_login(make_user())
    assert sessions.delete_sessions(ada.pk) == 3
    browsers = (client, *others, stranger)
    assert [signed_in(browser) for browser in browsers] == [False, False, False, True]
    assert sessions.delete_sessions(ada.pk) == 0


def test_ending_thousands_takes_as_many_queries_as_ending_one(client, ada):
    for number in (1, sessions.MAX_EVICTED + 5):
        rows = [
            Session(session_key=f"{number}-{n}", account_id=ada.pk, expire_date=timezone.now())
            for n in range(number)
        ]
        Session.objects.filter(account_id=ada.pk).delete()
        Session.objects.bulk_create(rows)
        with CaptureQueriesContext(connection) as queries:
            assert sessions.delete_sessions(ada.pk) == number
        assert len(queries) == 2
    assert not Session.objects.filter(account_id=ada.pk).exists()


def test_listed_are_the_sessions_that_still_open_something(client, ada):
    def listed() -> list[str]:
        return [
            session.session_key for session in sessions.valid_sessions(User.objects.get(pk=ada.pk))
        ]

    other = Client()
    other.force_login(ada)
    assert listed() == [key_of(other), key_of(client)]
    Session.objects.filter(pk=key_of(client)).update(
        last_used_at=timezone.now() + timedelta(minutes=1)
    )
    assert listed() == [key_of(client), key_of(other)]
    Session.objects.filter(pk=key_of(client)).update(expire_date=timezone.now())
    assert listed() == [key_of(other)]
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert listed() == [key_of(other)]
    write(
        "UPDATE users_user SET session_epoch = session_epoch + 1"
    )  # all at once, by somebody with a shell
    assert listed() == []
    assert Session.objects.filter(account_id=ada.pk).count() == 2


@pytest.mark.parametrize("verb", ["suspended", "password chosen"])
def test_a_verb_that_ends_all_sessions_leaves_rows_without_an_owner(client, ada, verb):
    ENDS[verb](ada, key_of(client))
    assert [row.account_id for row in Session.objects.all()] == [None]


def test_rows_of_sessions_that_have_run_out_are_removed_by_a_worker(client):
    other = Client()
    other.force_login(make_user())
    expired = Session.objects.filter(pk=key_of(client))
    expired.update(expire_date=timezone.now() - timedelta(hours=23))
    tasks.clear_sessions()
    assert expired.exists()  # the sign-in page still says why it ended
    expired.update(expire_date=timezone.now() - timedelta(hours=25))
    tasks.clear_sessions()
    assert [session.pk for session in Session.objects.all()] == [key_of(other)]


# --- Redis that comes and goes --------------------------------------------------------------------
