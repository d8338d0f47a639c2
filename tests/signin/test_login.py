"""GET and POST /login/"""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, get_hasher
from django.test import Client
from django.utils import timezone

import settings as production
from tests.answers import assert_wrong_method, errors_of
from tests.builders import PASSWORD, make_user
from tests.pages import form, read
from users.models import User

pytestmark = pytest.mark.django_db

PATH = "/login/"


def sign_in(client, login: str, password: str = PASSWORD, **more: str):
    return client.post(PATH, {"login": login, "password": password} | more)


def signed_in(client) -> bool:
    return client.get("/me/").status_code == 200


@pytest.mark.parametrize("login", ["ada", "ADA", " ａｄａ ", "ada@example.com", "Ada@Example.COM"])
def test_staff_sign_in_by_username_or_address_however_it_is_written(client, login):
    make_user("Viewer", username="ada", password=PASSWORD)
    assert sign_in(client, login)["Location"] == "/users/"
    assert client.get("/users/").status_code == 200


def test_everybody_else_comes_to_their_own_account(client):
    make_user(username="ada", password=PASSWORD)
    assert sign_in(client, "ada")["Location"] == "/me/"
    assert signed_in(client)


def test_signing_in_is_seen_on_the_account_and_raises_no_version(client):
    ada = make_user(username="ada", password=PASSWORD)
    sign_in(client, "ada")
    ada.refresh_from_db()
    assert ada.last_seen_at is not None
    assert ada.last_login is not None
    assert ada.version == 1


def test_one_comes_back_to_where_one_wanted_to_go(client):
    make_user("Viewer", username="ada", password=PASSWORD)
    response = client.get("/users/?status=invited", follow=True)
    sent = form(response, PATH)
    assert sent == {"login": "", "password": "", "next": "/users/?status=invited"}
    assert (
        client.post(PATH, sent | {"login": "ada", "password": PASSWORD})["Location"]
        == "/users/?status=invited"
    )


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
    ],
)
def test_nobody_is_sent_to_another_site(client, address):
    make_user("Viewer", username="ada", password=PASSWORD)
    assert sign_in(client, "ada", next=address)["Location"] == "/users/"


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("ada", "wrong"),
        ("nobody", PASSWORD),
        ("ada@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("ada", PASSWORD + " "),
    ],
)
def test_wrong_passwords_and_unknown_names_get_the_same_answer(client, login, password):
    make_user(username="ada", password=PASSWORD)
    response = sign_in(client, login, password)
    assert response.status_code == 422
    name = "email" if "@" in login else "username"
    assert errors_of(response) == [f"Wrong {name} or password."]
    sent = form(response, PATH)
    assert (sent["login"], sent["password"]) == (login, "")
    assert not signed_in(client)


@pytest.mark.parametrize(
    ("login", "password"),
    [("", ""), ("ada", ""), ("", "x"), ("a\x00da", "x"), ("ada", "x\x00"), ("x" * 100_000, "x")],
)
def test_bad_input_is_an_answer_and_no_crash(client, login, password):
    response = sign_in(client, login, password)
    assert response.status_code == 422
    assert errors_of(response)


def test_bytes_that_are_no_text_are_a_wrong_password(client):
    body = "login=%ED%A0%80&password=%FF%FE"
    assert (
        client.post(PATH, body, content_type="application/x-www-form-urlencoded").status_code == 422
    )


def test_after_five_failures_the_right_password_is_refused_too_and_the_page_says_so(client):
    make_user(username="ada", password=PASSWORD)
    make_user(username="grace", password=PASSWORD)
    for _ in range(5):
        assert sign_in(client, "ada", "wrong").status_code == 422
    response = sign_in(client, "ada")
    assert response.status_code == 429
    assert errors_of(response) == [
        "Too many failed attempts. Wait a few minutes and try again. "
        "Until then, even the correct password is not accepted."
    ]
    assert not signed_in(client)
    assert sign_in(client, "grace").status_code == 302  # one account's throttle is not another's


def test_many_requests_from_one_address_get_a_page_that_says_wait(client):
    for _ in range(30):
        client.post(PATH, {"login": "", "password": ""})
    response = client.post(PATH, {"login": "", "password": ""})
    assert response.status_code == 429
    assert read(response).one("h1").text == "Too many requests"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "suspended"},
        {"status": "deleted", "deleted_at": timezone.now()},
        {"status": "invited"},
        {"valid_until": timezone.now() - timedelta(seconds=1)},
    ],
)
def test_who_is_not_active_is_told_after_the_right_password_and_not_let_in(client, fields):
    make_user(username="ada", password=PASSWORD, **fields)
    response = client.post(PATH, {"login": "ada", "password": PASSWORD}, follow=True)
    assert response.redirect_chain == [("/inactive/", 302)]
    assert read(response).one("h1").text == "This account is not active"
    assert not signed_in(client)
    assert sign_in(client, "ada", "wrong").status_code == 422


def test_a_suspension_that_has_run_out_lets_one_in_without_any_sweep(client):
    make_user(
        username="ada",
        password=PASSWORD,
        status="suspended",
        suspended_until=timezone.now() - timedelta(seconds=1),
    )
    sign_in(client, "ada")
    assert signed_in(client)


def test_a_session_ends_when_the_accounts_time_does(client):
    ada = make_user()
    client.force_login(ada)
    assert signed_in(client)
    User.objects.filter(pk=ada.pk).update(valid_until=timezone.now() - timedelta(seconds=1))
    assert not signed_in(client)


@pytest.mark.parametrize("typed", ["wrong", "wrong\u2460"])  # the second is hashed in two forms
def test_a_wrong_password_is_hashed_as_often_whether_there_is_an_account_or_not(
    client, monkeypatch, typed
):
    hashed = []
    hasher = type(get_hasher())
    encode = hasher.encode
    monkeypatch.setattr(
        hasher,
        "encode",
        lambda self, *args, **more: hashed.append(1) or encode(self, *args, **more),
    )
    make_user(username="ada", email="ada@example.com", password=PASSWORD)
    make_user(username="eve", email="eve@example.com")  # without a password
    make_user(username="ida", password=PASSWORD, status="suspended")
    for names in (
        ["nobody", "ada", "eve", "ida"],
        ["nobody@example.com", "ada@example.com", "eve@example.com"],
    ):
        counts = []
        for name in names:
            hashed.clear()
            assert sign_in(client, name, typed).status_code == 422
            counts.append(len(hashed))
        assert counts[0] >= 1
        assert set(counts) == {counts[0]}, dict(zip(names, counts, strict=True))


def test_who_is_signed_in_already_goes_on(client):
    client.force_login(make_user("Viewer"))
    assert client.get(PATH)["Location"] == "/users/"


def test_a_session_gets_a_new_key_and_an_end(client):
    make_user(username="ada", password=PASSWORD)
    client.cookies["session"] = "a" * 32
    sign_in(client, "ada")
    cookie = client.cookies["session"]
    assert cookie.value != "a" * 32
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_a_request_from_another_page_without_the_token_is_refused():
    make_user(username="ada", password=PASSWORD)
    strict = Client(enforce_csrf_checks=True)
    response = sign_in(strict, "ada")
    assert response.status_code == 403
    assert "reload the page" in read(response).one("main").text


def test_production_hashes_with_argon2_and_upgrades_older_hashes_at_sign_in(client, settings):
    settings.PASSWORD_HASHERS = production.PASSWORD_HASHERS
    ada = make_user(username="ada")
    ada.set_password(PASSWORD)
    assert ada.password.startswith("argon2$argon2id$")
    ada.password = PBKDF2PasswordHasher().encode(PASSWORD, "saltsaltsalt", 1000)
    ada.save()
    sign_in(client, "ada")
    ada.refresh_from_db()
    assert ada.password.startswith("argon2$argon2id$")
    assert signed_in(client)


def test_other_methods_are_refused(client):
    assert_wrong_method(client, PATH, allowed="GET, HEAD, POST")


@pytest.mark.parametrize(
    "login", ["ida@münchen.example", "IDA@xn--mnchen-3ya.example", "Ida@MÜNCHEN.example"]
)
def test_each_spelling_of_ones_own_address_signs_in(client, login):
    make_user(username="ida", email="Ida@münchen.example", password=PASSWORD)
    assert sign_in(client, login)["Location"] == "/me/"
    assert signed_in(client)


def test_a_domain_that_folds_alike_signs_nobody_in(client):
    make_user(username="ida", email="ida@straße.example", password=PASSWORD)
    assert sign_in(client, "ida@strasse.example").status_code == 422
