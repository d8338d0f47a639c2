"""Every attempt to sign in leaves a row: whose, how, from where, and what came of it."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.http import int_to_base36

from tests.builders import PASSWORD, make_user
from tests.caching.looking import stored
from users.caching.generation import current_generations
from users.models import User
from users.sessions import sign_in_events
from users.sessions.models import Session, SignInEvent
from users.signin.views import LoginView

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def sign_in(client, login: str, password: str = PASSWORD, **more):
    return client.post("/login/", {"login": login, "password": password}, **more)


def rows() -> list[tuple]:
    return list(SignInEvent.objects.order_by("id").values_list("account_id", "way", "outcome"))


@pytest.fixture
def ada() -> User:
    return make_user(username="ada", password=PASSWORD)


def test_signing_in_is_written_with_its_origin(client, ada):
    sign_in(client, "ada", headers={"User-Agent": FIREFOX}, REMOTE_ADDR="2001:db8::7")
    event = SignInEvent.objects.get()
    assert (event.account_id, event.way, event.outcome, event.typed) == (
        ada.pk,
        "password",
        "ok",
        "",
    )
    assert (event.ip, event.user_agent) == ("2001:db8::7", FIREFOX)
    assert timezone.now() - event.at < timedelta(minutes=1)
    assert event.succeeded


@pytest.mark.parametrize(
    ("fields", "password", "outcome"),
    [
        ({}, "wrong", "wrong-password"),
        ({"status": "suspended"}, PASSWORD, "suspended"),
        ({"status": "suspended"}, "wrong", "wrong-password"),
        ({"valid_until": timezone.now() - timedelta(days=1)}, PASSWORD, "ended"),
        ({"status": "deleted", "deleted_at": timezone.now()}, PASSWORD, "deleted"),
        ({"status": "erased", "deleted_at": timezone.now()}, PASSWORD, "erased"),
        ({"status": "invited"}, PASSWORD, "invited"),
        ({"status": "invited", "password": None}, PASSWORD, "invited"),
        ({"password": None}, PASSWORD, "no-password"),
    ],
)
@pytest.mark.parametrize("login", ["ada", "ada@example.com"])
def test_a_failure_is_written_with_its_cause(client, fields, password, outcome, login):
    ada = make_user(username="ada", **({"password": PASSWORD} | fields))
    sign_in(client, login, password)
    assert rows() == [(ada.pk, "password", outcome)]
    assert not SignInEvent.objects.get().succeeded


@pytest.mark.parametrize(
    "stored",
    ["scrypt9$nobody$knows", "argon2$garbage", "md5$", "rubbish", "pbkdf2_sha256$x$y$z", ""],
)
def test_a_stored_password_that_cannot_be_checked_is_a_cause_of_its_own_and_no_crash(
    client, ada, stored, settings
):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.Argon2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    User.objects.filter(pk=ada.pk).update(password=stored)
    assert sign_in(client, "ada").status_code == 422
    assert rows() == [(ada.pk, "password", "bad-hash")]


def test_what_nobody_has_is_kept_as_a_digest_alone(client):
    for typed in ("nobody@example.com", "Nobody@Example.com ", "hunter2-my-password"):
        assert sign_in(client, typed, "wrong").status_code == 422
    events = list(SignInEvent.objects.order_by("id"))
    assert [(event.account_id, event.outcome) for event in events] == [(None, "unknown")] * 3
    assert (
        events[0].typed
        == events[1].typed
        == sign_in_events.typed_digest("nobody@example.com")
        != events[2].typed
    )
    written = json.dumps(list(SignInEvent.objects.values()), default=str)
    assert "nobody" not in written.lower()
    assert "hunter2" not in written


def test_the_digest_depends_on_our_key(settings):
    before = sign_in_events.typed_digest("ada@example.com")
    settings.SECRET_KEY = "another-key-0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFG"
    assert sign_in_events.typed_digest("ada@example.com") != before


@pytest.mark.parametrize(
    ("login", "password"),
    [("", ""), ("ada", ""), ("", "x"), ("a\x00da", "x"), ("x" * 100_000, "x")],
)
def test_bad_input_is_no_attempt_on_an_account(client, ada, login, password):
    sign_in(client, login, password)
    assert all(account is None for account, _, _ in rows())


def test_being_locked_out_is_written_too(client, ada):
    for _ in range(5):
        sign_in(client, "ada", "wrong")
    assert sign_in(client, "ada").status_code == 429
    assert rows() == [(ada.pk, "password", "wrong-password")] * 5 + [
        (ada.pk, "password", "throttled")
    ]


def test_a_crowd_from_one_address_is_written_once_a_minute_for_each_account(client, ada):
    grace = make_user(username="grace")
    for _ in range(30):
        client.post("/login/", {"login": "", "password": ""})
    for login in ("ada", "ADA", "grace", "nobody", "a\x00", "ada@example.com"):
        assert sign_in(client, login).status_code == 429
    assert sorted(rows()) == sorted((account.pk, "password", "crowded") for account in (ada, grace))


def link(account: User) -> str:
    token = default_token_generator.make_token(account)
    return f"/password/choose/{int_to_base36(account.pk)}-{token}/"


def choose(client, path: str):
    return client.post(
        client.get(path)["Location"],
        {"password1": "a-new-long-passphrase", "password2": "a-new-long-passphrase"},
    )


@pytest.mark.parametrize(("status", "way"), [("active", "reset-link"), ("invited", "invitation")])
def test_a_password_chosen_by_link_is_written_and_so_is_the_link_used_again(client, status, way):
    account = make_user(status=status)
    path = link(account)
    assert choose(client, path)["Location"] == "/password/chosen/"
    assert rows() == [(account.pk, way, "chosen")]
    for _ in range(3):
        assert Client().get(path).status_code == 410
    assert rows()[1:] == [(account.pk, "reset-link", "dead-link")]


def test_a_link_to_a_suspended_account_says_why_it_is_dead(client):
    account = make_user(status="suspended")
    assert client.get(link(account)).status_code == 410
    assert rows() == [(account.pk, "reset-link", "suspended")]


@pytest.mark.parametrize("uid", ["zzzzzzzzzzzzz", "0", "zz"])
def test_a_link_to_nobody_leaves_nothing(client, uid):
    assert client.get(f"/password/choose/{uid}-abc-def/").status_code in (404, 410)
    assert rows() == []


def test_signing_in_takes_one_insert_more_and_raises_no_generation(client, ada):
    make_user("Viewer")
    before = current_generations()
    with CaptureQueriesContext(connection) as queries:
        sign_in(client, "ada")
    inserts = [
        query["sql"]
        for query in queries
        if query["sql"].startswith("INSERT") and "users_" in query["sql"]
    ]
    assert sorted(sql.split('"')[1] for sql in inserts) == ["users_session", "users_signinevent"]
    assert current_generations() == before


def test_what_was_typed_is_not_kept_with_the_session_either(client, ada):
    sign_in(client, "ada@example.com")
    row = Session.objects.get()
    # With the quote: three letters alone may be in the digest of the session.
    assert '"ada' not in json.dumps(row.get_decoded())
    assert row.get_decoded()["account_authentication_methods"][0]["method"] == "password"
    assert stored()
    assert not [text for text in map(str, stored().values()) if "ada@" in text]


def test_forgetting_an_account_blanks_where_it_was_and_ends_its_sessions(client, ada):
    grace = make_user(username="grace", password=PASSWORD)
    other = Client()
    for browser, login in ((client, "ada"), (other, "grace")):
        sign_in(browser, login, "wrong", headers={"User-Agent": FIREFOX})
        sign_in(browser, login, headers={"User-Agent": FIREFOX})
    key = client.cookies["session"].value
    assert sign_in_events.erase_sign_ins(ada.pk) == 2
    assert sign_in_events.erase_sign_ins(ada.pk) == 0
    assert set(SignInEvent.objects.filter(account_id=ada.pk).values_list("ip", "user_agent")) == {
        (None, "")
    }
    assert (
        SignInEvent.objects.filter(account_id=grace.pk, ip="127.0.0.1", user_agent=FIREFOX).count()
        == 2
    )
    assert set(Session.objects.values_list("account_id", flat=True)) == {grace.pk}
    assert caches["pages"].get(f"session:{key}") is None
    assert client.get("/me/").status_code == 302
    assert other.get("/me/").status_code == 200
    assert rows()[1] == (ada.pk, "password", "ok")  # that there was an attempt stays


def test_a_row_survives_when_all_else_fails(ada, client, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("no answer")

    monkeypatch.setattr(LoginView, "form_invalid", fail)
    client.raise_request_exception = False
    assert sign_in(client, "ada", "wrong").status_code == 500
    assert rows() == [(ada.pk, "password", "wrong-password")]
