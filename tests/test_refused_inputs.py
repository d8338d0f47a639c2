"""Attacks on signing in and on the HTTP side, as one table: each with the answer that it gets."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.core import mail
from django.test import Client

import settings as production
from tests.answers import errors_of
from tests.builders import PASSWORD, make_user
from tests.factors.factors import app_code, give_app
from tests.pages import read
from tests.signin.links import choose, link_in_mail
from users.mail.delivery import deliver_due_messages
from users.mail.models import Message
from users.models import User
from users.sessions.models import SignInEvent
from users.sessions.store import SessionStore

# Of requests, and not of the database.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

WRONG = "Wrong username or password."
TOO_MANY = "Too many failed attempts."
RIGHT = {"login": "ada", "password": PASSWORD}
EVIL = "https://evil.example"

Attack = Callable[[Client, User, Any], str]


@pytest.fixture
def ada() -> User:
    return make_user("Viewer", username="ada", email="mike@example.com", password=PASSWORD)


def sign_in(client: Client, **typed: str) -> Any:
    return client.post("/login/", RIGHT | typed)


def answer(response: Any) -> str:
    """Returns status, place and first words of a response."""
    place = response.get("Location", "")
    words = errors_of(response) if response.status_code in (422, 429) else []
    return " ".join(filter(None, [str(response.status_code), place, *words]))


def heading(response: Any) -> str:
    return f"{response.status_code} {read(response).one('h1').text}"


# --- passwords ------------------------------------------------------------------------------------


def by_the_first_72_bytes(client: Client, ada: User, settings: Any) -> str:
    """Two passwords of 73 bytes that differ in the last one, which bcrypt would not see."""
    settings.PASSWORD_HASHERS = production.PASSWORD_HASHERS[:1]
    stored = make_password("x" * 72 + "a")
    assert check_password("x" * 72 + "a", stored)
    User.objects.filter(pk=ada.pk).update(password=stored)
    return answer(sign_in(client, password="x" * 72 + "b"))


def by_a_megabyte(client: Client, ada: User, settings: Any) -> str:
    response = sign_in(client, password="x" * 2**20)
    assert not SignInEvent.objects.exists()  # nothing was hashed
    return answer(response)


def by_a_chosen_megabyte(client: Client, ada: User, settings: Any) -> str:
    """A long password behind the link of a reset."""
    client.post("/password/reset/", {"email": ada.email})
    deliver_due_messages()
    response = choose(client, link_in_mail(), "x" * 2**20)
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    return answer(response)


def by_nine_megabytes(client: Client, ada: User, settings: Any) -> str:
    return heading(sign_in(client, password="x" * 9 * 2**20))


def by_many_addresses(client: Client, ada: User, settings: Any) -> str:
    """200 guesses, each from another address, and then the right password."""
    for number in range(200):
        client.post("/login/", RIGHT | {"password": "no"}, REMOTE_ADDR=f"198.51.100.{number}")
    guesses = SignInEvent.objects.filter(outcome="wrong-password").count()
    assert guesses <= 100
    return answer(client.post("/login/", RIGHT, REMOTE_ADDR="203.0.113.1"))


def by_forged_addresses(client: Client, ada: User, settings: Any) -> str:
    """A header that no proxy of ours has written gives no other counter."""
    settings.TRUSTED_PROXIES = settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    for number in range(6):
        response = client.post(
            "/login/",
            RIGHT | {"password": "no"},
            headers={"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"10.0.0.{number}"},
        )
    return answer(response)


# --- resets ---------------------------------------------------------------------------------------


def reset_mails(client: Client, typed: str, **headers: str) -> list[str]:
    """Returns to whom the reset of this address was sent."""
    mail.outbox.clear()
    assert client.post("/password/reset/", {"email": typed}, headers=headers).status_code == 302
    deliver_due_messages()
    return [address for message in mail.outbox for address in message.to]


def by_a_dotless_i(client: Client, ada: User, settings: Any) -> str:
    assert reset_mails(client, ada.email) == ["mike@example.com"]
    response = client.post("/password/reset/", {"email": "m\u0131ke@example.com"})
    assert Message.objects.count() == 1
    return answer(response)


def by_two_addresses(client: Client, ada: User, settings: Any) -> str:
    response = client.post("/password/reset/", {"email": f"{ada.email},me@evil.example"})
    assert not Message.objects.exists()
    return answer(response)


def by_the_host_of_a_link(client: Client, ada: User, settings: Any) -> str:
    """The link of a reset leads to SITE_URL, whatever host a proxy names."""
    forged = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    reset_mails(client, ada.email, **forged)
    assert "evil.example" not in mail.outbox[0].body
    return link_in_mail().split("/")[1]


# --- hosts, redirects and origins -----------------------------------------------------------------


def by_a_foreign_host(client: Client, ada: User, settings: Any) -> str:
    return heading(client.get("/login/", headers={"Host": "evil.example"}))


def by_a_forwarded_host(client: Client, ada: User, settings: Any) -> str:
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "1"}
    response = client.get("/users/", headers=forged)
    assert "evil.example" not in response.content.decode()
    return answer(response)


def by_a_forwarded_scheme(client: Client, ada: User, settings: Any) -> str:
    """Without a proxy of ours, the header makes no request a secure one."""
    settings.SECURE_PROXY_SSL_HEADER = None
    response = client.get("/login/", headers={"X-Forwarded-Proto": "https"})
    return str(response.wsgi_request.is_secure())


def by_next(client: Client, ada: User, settings: Any) -> str:
    places = [f"{EVIL}/", "//evil.example", "/\\evil.example", "javascript:x", "\t//evil.example"]
    found = set()
    for place in places:
        fresh = Client()
        found.add(answer(sign_in(fresh, next=place)))
        found.add(answer(fresh.get("/login/", {"next": place})))  # is signed in already
    return " ".join(sorted(found))


def by_next_of_sudo(client: Client, ada: User, settings: Any) -> str:
    client.force_login(ada)
    return answer(client.post("/sudo/", {"password": PASSWORD, "next": f"{EVIL}/"}))


def by_a_foreign_referrer(client: Client, ada: User, settings: Any) -> str:
    client.force_login(ada)
    return answer(client.post("/sudo/end/", headers={"Referer": f"{EVIL}/x", "Origin": EVIL}))


def by_htmx_of_elsewhere(client: Client, ada: User, settings: Any) -> str:
    headers = {"HX-Request": "true", "HX-Current-URL": f"{EVIL}/users/"}
    return client.get("/users/", headers=headers)["HX-Redirect"]


def by_a_foreign_origin(client: Client, ada: User, settings: Any) -> str:
    """A form with a valid token, from a page of another site."""
    strict = Client(enforce_csrf_checks=True)
    strict.get("/login/")
    sent = RIGHT | {"csrfmiddlewaretoken": strict.cookies["csrf"].value}
    refused = set()
    for origin in (EVIL, "null", "http://testserver.evil.example"):
        refused.add(heading(strict.post("/login/", sent, headers={"Origin": origin})))
    own = strict.post("/login/", sent, headers={"Origin": "http://testserver"})
    return " ".join([*sorted(refused), str(own.status_code)])


# --- sessions and codes ---------------------------------------------------------------------------


def by_a_known_session(client: Client, ada: User, settings: Any) -> str:
    """A session that exists, whose key the attacker has put into the browser."""
    planted = SessionStore()
    planted["x"] = 1
    planted.save()
    client.cookies["session"] = planted.session_key
    sign_in(client)
    assert client.cookies["session"].value != planted.session_key
    thief = Client()
    thief.cookies["session"] = planted.session_key
    return answer(thief.get("/me/"))


def by_a_session_before_the_code(client: Client, ada: User, settings: Any) -> str:
    """The session of the first step does not become the one of the signed-in person."""
    give_app(ada)
    sign_in(client)
    thief = Client()
    thief.cookies["session"] = client.cookies["session"].value
    assert client.post("/login/2fa/", {"code": app_code()}).status_code == 302
    return answer(thief.get("/me/"))


def used_twice(client: Client, code: str) -> str:
    sign_in(client)
    assert client.post("/login/2fa/", {"code": code}).status_code == 302
    other = Client()
    sign_in(other)
    return answer(other.post("/login/2fa/", {"code": code}))


def by_a_used_app_code(client: Client, ada: User, settings: Any) -> str:
    give_app(ada)
    return used_twice(client, app_code())


def by_a_used_recovery_code(client: Client, ada: User, settings: Any) -> str:
    return used_twice(client, give_app(ada)[0])


def by_a_used_link(client: Client, ada: User, settings: Any) -> str:
    reset_mails(client, ada.email)
    link = link_in_mail()
    choose(client, link, "another-passphrase-of-mine")
    return heading(client.get(link, follow=True))


USED_CODE = "422 This code is wrong or was used before. Enter the one that your app shows now."
ATTACKS: dict[str, tuple[Attack, str]] = {
    "73 bytes": (by_the_first_72_bytes, f"422 {WRONG}"),
    "1 MB at sign-in": (by_a_megabyte, "422 "),
    "1 MB after a reset": (by_a_chosen_megabyte, "422 "),
    "9 MB": (by_nine_megabytes, "413 "),
    "200 guesses from 200 addresses": (by_many_addresses, f"429 {TOO_MANY}"),
    "guesses with forged addresses": (by_forged_addresses, f"429 {TOO_MANY}"),
    "reset of mıke@": (by_a_dotless_i, "422 "),
    "reset of two addresses": (by_two_addresses, "422 "),
    "reset with a forged host": (by_the_host_of_a_link, "password"),
    "foreign host": (by_a_foreign_host, "400 "),
    "forged X-Forwarded-Host": (by_a_forwarded_host, "302 /login/?next=%2Fusers%2F"),
    "forged X-Forwarded-Proto": (by_a_forwarded_scheme, "False"),
    "open redirect at sign-in": (by_next, "302 /users/"),
    "open redirect at sudo": (by_next_of_sudo, "302 /users/"),
    "open redirect by the referrer": (by_a_foreign_referrer, "302 /sudo/"),
    "open redirect by HTMX": (by_htmx_of_elsewhere, "/login/"),
    "foreign origin": (by_a_foreign_origin, "403 Not allowed 302"),
    "session fixation": (by_a_known_session, "302 /login/?next=%2Fme%2F"),
    "session of the first step": (by_a_session_before_the_code, "302 /login/?next=%2Fme%2F"),
    "app code twice": (by_a_used_app_code, USED_CODE),
    "recovery code twice": (by_a_used_recovery_code, USED_CODE),
    "reset link twice": (by_a_used_link, "410 This link no longer works"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_each_attack_gets_its_answer(client, ada, settings, name):
    attack, expected = ATTACKS[name]
    given = attack(client, ada, settings)
    assert expected.strip() in given, given
    assert given.split(" ", 1)[0] == expected.split(" ", 1)[0], given
    assert "evil" not in given


def test_a_reset_does_not_pass_the_second_factor_by(client, ada):
    give_app(ada)
    reset_mails(client, ada.email)
    choose(client, link_in_mail(), "another-passphrase-of-mine")
    assert client.get("/users/").status_code == 302
    assert sign_in(client, password="another-passphrase-of-mine")["Location"] == "/login/2fa/"
    assert client.get("/users/").status_code == 302


# --- what HTTP promises ---------------------------------------------------------------------------


def test_over_https_browsers_are_told_to_stay_there(settings):
    settings.SECURE_HSTS_SECONDS = 365 * 24 * 3600
    response = Client().get("/login/", secure=True)
    assert response["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "Strict-Transport-Security" not in Client().get("/login/")
