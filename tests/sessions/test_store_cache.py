"""Sessions and a cache that lies, or whose Redis comes and goes: the row decides."""

from importlib import import_module

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.builders import PASSWORD, make_superuser, make_user
from tests.caching.looking import on_redis
from tests.caching.outage import cache_at, own_redis, until_back
from tests.sessions.signed_in import cached, key_of, row, signed_in
from users.models import User
from users.sessions.models import Session
from users.sessions.store import SessionStore

pytestmark = pytest.mark.django_db


NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def ada() -> User:
    return make_user("Viewer", username="ada")


@pytest.fixture
def client(client, ada) -> Client:
    """Signed in as Ada; cache and near memory hold the session."""
    client.force_login(ada)
    assert signed_in(client)
    assert cached(key_of(client))
    return client


def test_an_old_text_in_the_cache_gives_way_to_the_row(client):
    key = key_of(client)
    old = cached(key_of(client))
    session = SessionStore(key)
    session["note"] = "newer"
    session.save()
    caches["pages"].set(f"session:{key}", old)
    seen = SessionStore(key)
    assert "note" not in seen.load()
    response = client.get("/me/")
    assert response.wsgi_request.session["note"] == "newer"
    assert row(key).get_decoded()["note"] == "newer"


def test_what_is_changed_is_the_row_and_not_the_old_text(client):
    key = key_of(client)
    old = cached(key_of(client))
    session = SessionStore(key)
    session["note"] = "newer"
    session.save()
    caches["pages"].set(f"session:{key}", old)
    request = client.get("/me/").wsgi_request
    request.session["other"] = 1
    request.session.save()
    assert {"note", "other"} <= set(row(key).get_decoded())
    assert cached(key) == row(key).session_data


@pytest.mark.parametrize("other", ["superuser", "suspended", "deleted", "nobody"])
def test_another_account_in_the_cached_text_is_not_believed(client, ada, other):
    """Signed with our own key, even: as if the cache had mixed up two entries."""
    account = {"superuser": make_superuser, "suspended": lambda: make_user(status="suspended")}.get(
        other, make_user
    )()
    pk = 2**40 if other == "nobody" else account.pk
    if other == "deleted":
        account.delete()
    key = key_of(client)
    store = SessionStore()
    forged = {SESSION_KEY: str(pk), BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0]}
    forged[HASH_SESSION_KEY] = account.get_session_auth_hash()
    caches["pages"].set(f"session:{key}", store.encode(forged))
    response = client.get("/users/")
    if other in ("deleted", "nobody"):
        assert response.status_code == 302  # where there is no such account, nobody is signed in
    else:
        assert response.status_code == 200
        assert response.wsgi_request.user == ada
        assert not response.wsgi_request.user.is_superuser


@pytest.mark.parametrize(
    "text",
    ["", "rubbish", b"bytes", 17, None, {"_auth_user_id": "1"}, "a:b:c", "\x00"],
    ids=lambda text: repr(text)[:9],
)
def test_rubbish_in_the_cache_gives_way_to_the_row(client, text):
    caches["pages"].set(f"session:{key_of(client)}", text)
    assert signed_in(client)
    assert cached(key_of(client)) == row(key_of(client)).session_data


def test_a_text_of_a_session_without_a_row_signs_nobody_in(ada):
    store = SessionStore()
    client = Client()
    text = {SESSION_KEY: str(ada.pk), BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0]}
    text[HASH_SESSION_KEY] = ada.get_session_auth_hash()
    for key in ("x" * 32, "short", ""):
        caches["pages"].set(f"session:{key}", store.encode(text))
        client.cookies["session"] = key
        assert not signed_in(client)
    assert not Session.objects.exists()


def test_a_session_is_found_without_the_cache_by_the_query_of_its_viewer_and_put_back(client):
    key = key_of(client)
    caches["pages"].clear()
    with CaptureQueriesContext(connection) as queries:
        assert signed_in(client)
    assert len([query for query in queries if "users_session" in query["sql"]]) == 1
    assert cached(key) == row(key).session_data


@pytest.mark.parametrize("owner", ["nobody", "another"])
def test_whose_a_session_is_says_its_text_and_not_its_row(client, owner):
    key = key_of(client)
    other = make_user().pk if owner == "another" else None
    Session.objects.filter(session_key=key).update(account_id=other)
    caches["pages"].clear()
    assert signed_in(client)
    response = client.get("/me/")
    assert response.wsgi_request.user.pk == int(client.session["_auth_user_id"]) != other


def test_a_stranger_is_kept_in_the_row_alone_until_they_sign_in():
    session = SessionStore()
    session["step"] = 1
    session.save()
    caches["pages"].set(f"session:{session.session_key}", SessionStore().encode({"step": 2}))
    assert SessionStore(session.session_key)["step"] == 1  # nobody would check it later
    session.delete()
    assert SessionStore(session.session_key).load() == {}
    assert not SessionStore().exists(session.session_key)


def test_the_engine_is_the_one_of_the_settings():
    assert import_module(settings.SESSION_ENGINE).SessionStore is SessionStore


def test_without_redis_sessions_begin_go_on_and_end(ada):
    ada.set_password(PASSWORD)
    ada.save()
    with cache_at(NOWHERE):
        client = Client()
        assert client.post("/login/", {"login": "ada", "password": PASSWORD}).status_code == 302
        key = key_of(client)
        for path in ("/me/", "/users/", "/users/"):
            assert client.get(path).status_code == 200
        assert caches["pages"].current_error()
        caches["pages"].memory.clear()
        assert signed_in(client)
        User.objects.filter(pk=ada.pk).update(session_epoch=7)
        assert not signed_in(client)
        client.force_login(User.objects.get(pk=ada.pk))
        assert signed_in(client)
        key = key_of(client)
        client.post("/logout/")
        client.cookies["session"] = key
        assert not signed_in(client)


def test_who_signed_out_while_redis_was_frozen_is_signed_out_when_it_thaws(ada, tmp_path):
    with own_redis(tmp_path, patience=3) as redis:
        client = Client()
        client.force_login(ada)
        assert signed_in(client)
        key = key_of(client)
        text = cached(key_of(client))
        redis.freeze()
        caches[
            "pages"
        ].memory.clear()  # the first thing that is asked of Redis is not to forget the session
        assert client.post("/logout/").status_code == 302
        redis.thaw()
        until_back()
        caches["pages"].memory.clear()
        assert cached(key) == text  # it has what it had
        client.cookies["session"] = key
        assert not signed_in(client)
        caches["pages"].memory.clear()
        assert cached(key) is None  # and now it has been told


def test_the_suites_own_cache_is_the_one_that_each_leg_is_about():
    assert (
        on_redis()
        == settings.CACHES["pages"]["BACKEND"].endswith("PageCache")
        == (connection.vendor == "postgresql")
    )
