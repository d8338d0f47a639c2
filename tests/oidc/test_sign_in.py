"""POST /login/oidc/ and GET /login/oidc/callback/: signing in at a real provider."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from tests.answers import assert_wrong_method
from tests.builders import PASSWORD, make_user
from tests.factors.factors import app_code, give_app
from tests.oidc.fake_provider import CLIENT_ID
from tests.oidc.round_trip import outcomes, provider_url, query_of, start, visit_provider
from tests.pages import read
from users.mail.models import Message
from users.models import User
from users.oidc.models import OidcLink
from users.sessions.models import Session, SignInEvent

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

LOGIN = "/login/oidc/"
CALLBACK = "/login/oidc/callback/"


def alert(response) -> str:
    return read(response).one(class_="note error").text


def test_the_button_leads_to_the_provider_and_back_to_where_one_wanted(client, provider, ada):
    page = read(client.get("/login/?next=/users/?status=invited"))
    assert page.one("form", action=LOGIN).one("button").text == "Sign in with Contoso"
    url = provider_url(client.post(LOGIN, {"next": "/users/?status=invited"}))
    query = query_of(url)
    assert url.startswith(f"{provider.issuer}/authorize?")
    assert (query["client_id"], query["response_type"]) == (CLIENT_ID, "code")
    assert query["redirect_uri"] == f"http://localhost:8000{CALLBACK}"
    assert min(len(query[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    response = client.get(visit_provider(url))
    assert response["Location"] == "/users/?status=invited"
    assert client.get("/users/").status_code == 200
    assert outcomes() == [("ok", "oidc")]
    assert OidcLink.objects.get().last_used_at is not None
    session = Session.objects.get(account_id=ada.pk).get_decoded()
    assert session["sudo"]["method"] == "sign-in"
    assert not session["oidc"]


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_each_algorithm_is_verified_with_the_key_of_its_kind(client, provider, ada, algorithm):
    provider.sign_with(algorithm)
    assert client.get(start(client)).status_code == 302
    assert client.get("/users/").status_code == 200


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_it_leads_to_no_other_site(client, ada, path):
    assert client.get(start(client, next=path))["Location"] == "/users/"


def test_an_unknown_person_learns_how_to_be_linked_whatever_their_address(client, provider, ada):
    provider.subject = "someone-else"
    provider.claims = {"email": ada.email, "email_verified": True, "preferred_username": "ada"}
    response = client.get(start(client))
    page = read(response)
    assert response.status_code == 403
    assert page.one("h1").text == "Account not linked"
    assert page.one("code").text == "someone-else"
    assert "Link Contoso" in page.text
    assert client.get("/users/").status_code == 302
    assert User.objects.count() == OidcLink.objects.count() == 1
    assert outcomes() == [("not-linked", "oidc")]


def test_the_same_subject_of_another_issuer_is_another_person(client, ada):
    OidcLink.objects.update(issuer="https://old.example")
    assert client.get(start(client)).status_code == 403


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"status": "suspended", "status_reason": "x"}, "suspended"),
        ({"valid_until": datetime(2020, 1, 1, tzinfo=UTC)}, "ended"),
    ],
)
def test_an_inactive_account_gets_the_usual_words(client, ada, fields, outcome):
    User.objects.filter(pk=ada.pk).update(**fields)
    assert client.get(start(client))["Location"] == "/inactive/"
    assert client.get("/users/").status_code == 302
    assert outcomes() == [(outcome, "oidc")]


def test_people_who_are_no_staff_do_not_sign_in_by_the_provider(client, ada):
    User.objects.filter(pk=ada.pk).update(is_staff=False)
    assert client.get(start(client)).status_code == 403
    assert client.get("/me/").status_code == 302


def test_a_second_factor_of_the_account_is_asked_for(client, ada):
    give_app(ada)
    assert client.get(start(client, next="/jobs/"))["Location"] == "/login/2fa/"
    assert client.get("/users/").status_code == 302
    assert client.post("/login/2fa/", {"code": app_code()})["Location"] == "/jobs/"
    assert outcomes() == [("ok", "app")]


@pytest.mark.parametrize(
    ("values", "claims", "is_enough"),
    [
        ({"mfa"}, {"amr": ["pwd", "mfa"]}, True),
        ({"phr"}, {"acr": "phr"}, True),
        ({"*"}, {}, True),
        ({"mfa"}, {"amr": ["pwd"], "acr": "1"}, False),
        ({"mfa"}, {"amr": "mfa", "acr": ["mfa"]}, False),
        ({"mfa"}, {"amr": [["mfa"], None, {}]}, False),
    ],
)
def test_a_second_factor_at_the_provider_counts_if_the_settings_say_so(
    client, provider, ada, settings, values, claims, is_enough
):
    settings.OIDC = settings.OIDC._replace(factor_values=frozenset(values))
    settings.SECOND_FACTOR_REQUIRED = "staff"
    settings.SECOND_FACTOR_GRACE_DAYS = 0
    provider.claims = claims
    assert client.get(start(client)).status_code == 302
    assert client.get("/users/").status_code == (200 if is_enough else 302)
    assert OidcLink.objects.filter(factor_at=None).exists() is not is_enough
    if is_enough:
        assert client.get("/me/second-factor/").status_code == 200
        other = Client()
        other.post("/login/", {"login": "ada", "password": PASSWORD})
        assert other.get("/users/")["Location"] == "/me/second-factor/"
        give_app(ada)
        third = Client()
        assert third.get(start(third))["Location"] == "/users/"


def test_a_sign_in_on_a_new_device_is_told(client, ada):
    client.get(start(client))
    other = Client()
    other.get(start(other))
    assert [message.kind for message in Message.objects.all()] == ["new-device"]


def test_a_form_outlives_the_session(client, ada):
    client.force_login(ada)
    page = client.get("/me/")
    sent = {"version": "1", "first_name": "Augusta", "last_name": "King"}
    client.logout()
    headers = {"Origin": "http://testserver", "Referer": "http://testserver/me/"}
    answer = client.post("/me/", sent, headers=headers)
    assert (page.status_code, answer.status_code) == (200, 401)
    fields = read(answer).one("form", action=LOGIN).all("input")
    kept = {each.attributes["name"]: each.attributes["value"] for each in fields}
    back = client.get(start(client, **{name: kept[name] for name in ("kept", "next")}))
    assert back.status_code == 200
    assert "Augusta" in back.content.decode()


def test_the_ladder(client, provider, settings):
    assert_wrong_method(client, LOGIN, allowed="POST")
    assert_wrong_method(client, CALLBACK, allowed="GET")
    client.force_login(make_user("Viewer"))
    assert client.post(LOGIN)["Location"] == "/"
    client.logout()
    settings.OIDC = settings.OIDC._replace(mode="local")
    assert client.post(LOGIN).status_code == client.get(CALLBACK).status_code == 404
    assert not read(client.get("/login/")).all("form", action=LOGIN)


def test_too_many_attempts_from_one_place_are_refused(client, provider, monkeypatch):
    answers = [client.get(CALLBACK).status_code for _ in range(31)]
    assert answers == [400] * 30 + [429]
    assert SignInEvent.objects.count() == 30
    # The limit of the button is its own: a sign-in does not count twice.
    starts = [client.post(LOGIN).status_code for _ in range(31)]
    assert starts == [200] * 30 + [429]
