"""The cookie from which a script takes the viewer's name."""

from urllib.parse import unquote

import pytest
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.test import Client, RequestFactory, override_settings

from tests.builders import PASSWORD, make_user
from users.models import User
from users.signin.name_cookie import COOKIE, MAX_NAME_LENGTH, NameCookieMiddleware
from users.verbs.profile.verb import edit_own_profile
from users.web.message_storage import MaskedMessageStorage

pytestmark = pytest.mark.django_db

HOSTILE = [
    "Ada; Path=/; Domain=evil.example",
    "Ada\r\nSet-Cookie: a=b",
    '"Ada"',
    "Ada, Countess",
    "Ada=1",
    "a\\b",
    "<script>alert(1)</script>",
    "Lövelace",
    "名前",
    "🦓" * 20,
    "%41da",
    "+1 +2",
    "\u202eAda",
    "'",
]


def given(client: Client, path: str = "/me/") -> str | None:
    """The name that an answer sets; None where it sets none."""
    cookie = client.get(path).cookies.get(COOKIE)
    return None if cookie is None else unquote(cookie.value)


def test_the_name_is_given_once_and_again_after_a_change(client):
    ada = make_user("Viewer", first_name="Ada", last_name="Lovelace")
    client.force_login(ada)
    assert given(client) == "Ada Lovelace"
    assert given(client) is None
    assert given(client, "/users/") is None
    edit_own_profile(ada, version=None, last_name="King")
    assert given(client, "/users/") == "Ada King"
    assert given(client, "/users/") is None


def test_a_page_from_the_cache_brings_each_viewer_their_own(client):
    make_user()
    for name in ("Ada", "Grace", "Linus"):
        client = Client()
        client.force_login(make_user("Viewer", first_name=name))
        assert given(client, "/users/") == name


def test_signing_in_and_out_gives_and_takes_it(client):
    ada = make_user("Viewer", username="ada", first_name="Ada")
    ada.set_password(PASSWORD)
    ada.save()
    client.get("/login/")
    assert COOKIE not in client.cookies
    response = client.post("/login/", {"login": "ada", "password": PASSWORD})
    assert response.cookies[COOKIE].value == "Ada"
    response = client.post("/logout/")
    assert (response.cookies[COOKIE].value, response.cookies[COOKIE]["max-age"]) == ("", 0)


def test_whoever_is_no_longer_signed_in_has_it_taken(client):
    ada = make_user("Viewer", first_name="Ada")
    client.force_login(ada)
    assert given(client) == "Ada"
    User.objects.filter(pk=ada.pk).update(session_epoch=5)
    assert client.get("/users/").cookies[COOKIE]["max-age"] == 0


@pytest.mark.sqlite  # of a cookie, and not of the database
@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_only_a_name(client, name):
    """Whatever a row holds; forms refuse some of these."""
    ada = make_user("Viewer")
    User.objects.filter(pk=ada.pk).update(first_name=name)
    client.force_login(ada)
    cookie = client.get("/me/").cookies[COOKIE]
    assert unquote(cookie.value) == name.strip()[:MAX_NAME_LENGTH]
    assert set(cookie.value) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%-._~"
    )
    assert cookie.OutputString().split("; ")[1:] == ["Path=/", "SameSite=Lax"]
    assert given(client) is None  # read back, it is the same


def test_a_long_name_is_cut(client):
    client.force_login(make_user(first_name="é" * 100, last_name="x" * 100))
    assert given(client) == "é" * MAX_NAME_LENGTH
    assert given(client) is None


def test_a_strange_cookie_is_written_over(client):
    client.force_login(make_user(first_name="Ada"))
    client.cookies[COOKIE] = "somebody%20else"
    assert given(client) == "Ada"


def answer(response: HttpResponse, viewer: User) -> HttpResponse:
    request = RequestFactory().get("/")
    request.user = viewer
    return NameCookieMiddleware(lambda request: response)(request)


@pytest.mark.parametrize(
    "response",
    [
        JsonResponse({}),
        HttpResponse("x", content_type="text/plain"),
        HttpResponse("x", content_type="text/css"),
        HttpResponse(status=500),
    ],
    ids=["json", "text", "css", "error"],
)
def test_only_pages_set_it(response):
    assert COOKIE not in answer(response, make_user(first_name="Ada")).cookies
    assert COOKIE in answer(HttpResponse("x"), make_user(first_name="Ada")).cookies


def test_probes_and_files_set_none(client):
    client.force_login(make_user(first_name="Ada"))
    for path in ("/healthz", "/readyz"):
        assert COOKIE not in client.get(path).cookies


@pytest.mark.parametrize("secure", [True, False])
def test_over_https_it_stays_there(secure):
    with override_settings(SESSION_COOKIE_SECURE=secure):
        cookie = answer(HttpResponse("x"), make_user(first_name="Ada")).cookies[COOKIE]
    assert bool(cookie["secure"]) is secure
    assert not cookie["httponly"]  # a script reads it


def test_with_https_no_other_host_can_set_the_cookies_of_the_viewer(client, settings):
    settings.SECURE = settings.SESSION_COOKIE_SECURE = True
    client.force_login(make_user("Support"))
    response = client.get("/users/", secure=True)
    cookie = response.cookies["__Host-viewer"]
    assert (cookie["path"], cookie["domain"], cookie["secure"]) == ("/", "", True)
    storage = MaskedMessageStorage(response.wsgi_request)
    storage.add(messages.INFO, "Saved.")
    answer = HttpResponse()
    storage.update(answer)
    assert list(answer.cookies) == ["__Host-messages"]
    assert answer.cookies["__Host-messages"]["secure"]
