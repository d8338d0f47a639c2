"""Last use of a session, at most once in five minutes; last seen of an account, at most once an
hour and at each sign-in.
"""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import make_user
from tests.threads import at_once
from users.caching.generation import current_generations
from users.models import User
from users.sessions import last_seen
from users.sessions.models import Session
from users.sessions.store import SessionStore

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client) -> User:
    ada = make_user("Viewer", username="ada")
    client.force_login(ada)
    assert client.get("/me/").status_code == 200
    return ada


def writes(client, **more) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/me/", **more).status_code == 200
    return [query["sql"].split('"')[1] for query in queries if query["sql"].startswith("UPDATE")]


def age(ada: User, *, seen: timedelta | None = None, used: timedelta | None = None) -> None:
    if seen is not None:
        User.objects.filter(pk=ada.pk).update(last_seen_at=timezone.now() - seen)
    if used is not None:
        Session.objects.update(last_used_at=timezone.now() - used)


def test_a_request_as_a_rule_writes_nothing(client, ada):
    age(ada, seen=timedelta(minutes=59), used=timedelta(minutes=4, seconds=50))
    with CaptureQueriesContext(connection) as queries:
        client.get("/me/")
    assert len(queries) == 1


def test_the_last_use_of_a_session_is_written_with_where_from_and_only_once(client, ada):
    age(ada, used=timedelta(minutes=6))
    agent = {"User-Agent": "Another browser"}
    assert writes(client, REMOTE_ADDR="192.0.2.9", headers=agent) == ["users_session"]
    row = Session.objects.get()
    assert (row.ip, row.user_agent) == ("192.0.2.9", "Another browser")
    assert timezone.now() - row.last_used_at < timedelta(minutes=1)
    assert writes(client) == []


def test_who_stays_signed_in_is_seen_once_an_hour(client, ada):
    age(ada, seen=timedelta(hours=1, seconds=1))
    assert writes(client) == ["users_user"]
    ada.refresh_from_db()
    assert timezone.now() - ada.last_seen_at < timedelta(minutes=1)
    assert ada.version == 1
    assert writes(client) == []


def test_who_was_never_seen_is_seen(client, ada):
    User.objects.filter(pk=ada.pk).update(last_seen_at=None)
    assert writes(client) == ["users_user"]


def test_each_sign_in_is_seen(client, ada):
    age(ada, seen=timedelta(minutes=30))
    before = current_generations()
    Client().force_login(ada)
    ada.refresh_from_db()
    assert timezone.now() - ada.last_seen_at < timedelta(minutes=1)
    assert current_generations() == before


def test_no_page_is_made_anew_for_it(client, ada):
    before = current_generations()
    age(ada, seen=timedelta(hours=2), used=timedelta(hours=2))
    assert len(writes(client)) == 2
    assert current_generations() == before


def test_strangers_and_sessions_that_ended_leave_nothing(client, ada):
    age(ada, seen=timedelta(hours=2), used=timedelta(hours=2))
    User.objects.filter(pk=ada.pk).update(session_epoch=9)
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/me/").status_code == 302
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]


@pytest.mark.django_db(transaction=True)
def test_a_request_does_not_wait_for_whoever_holds_the_row(client):
    """A long job has the account's row, or all of SQLite, for itself."""
    ada = make_user("Viewer")
    client.force_login(ada)
    age(ada, seen=timedelta(hours=2))
    stale = User.objects.get(pk=ada.pk).last_seen_at
    with transaction.atomic():
        User.objects.select_for_update(of=("self",)).get(pk=ada.pk)
        User.objects.filter(pk=ada.pk).update(phone="1")
        [answer] = at_once(lambda: client.get("/me/"))
        assert answer.status_code == 200
    assert User.objects.get(pk=ada.pk).last_seen_at == stale
    assert client.get("/me/").status_code == 200
    assert User.objects.get(pk=ada.pk).last_seen_at > stale


def test_who_read_the_row_before_somebody_wrote_does_not_write_again(client, ada):
    age(ada, seen=timedelta(hours=2), used=timedelta(hours=2))
    stale = User.objects.get(pk=ada.pk)
    key = client.cookies["session"].value
    session = SessionStore(key)
    used = Session.objects.get(pk=key).last_used_at
    last_seen.record_last_seen(User.objects.get(pk=ada.pk), session, used)
    first = (User.objects.get(pk=ada.pk).last_seen_at, Session.objects.get(pk=key).last_used_at)
    assert min(first) > timezone.now() - timedelta(minutes=1)
    last_seen.record_last_seen(stale, session, used)
    assert (
        User.objects.get(pk=ada.pk).last_seen_at,
        Session.objects.get(pk=key).last_used_at,
    ) == first


@pytest.mark.sqlite
def test_sqlite_is_told_not_to_wait_and_then_to_wait_again(ada, monkeypatch):
    def patience() -> int:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            return cursor.fetchone()[0]

    def see(*_: object) -> None:
        seen.append(patience())
        raise DatabaseError("database is locked")

    before = patience()
    seen = []
    monkeypatch.setattr(last_seen, "update_last_seen", see)
    age(ada, seen=timedelta(hours=2))
    last_seen.record_last_seen(User.objects.get(pk=ada.pk), SessionStore(), None)
    assert (seen, patience()) == ([0], before)
    assert before > 1000


@pytest.mark.django_db(transaction=True)
def test_of_many_requests_at_once_one_writes(client):
    ada = make_user("Viewer")
    client.force_login(ada)
    age(ada, seen=timedelta(hours=2), used=timedelta(hours=2))
    browsers = [Client() for _ in range(6)]
    for browser in browsers:
        browser.cookies = client.cookies
    answers = at_once(
        *[lambda browser=browser: browser.get("/me/").status_code for browser in browsers]
    )
    assert answers == [200] * 6
    assert timezone.now() - User.objects.get(pk=ada.pk).last_seen_at < timedelta(minutes=1)
