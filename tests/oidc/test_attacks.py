"""What the provider, or somebody in its place, may send: each gets a page in words, a line in the
log, and opens nothing.
"""

import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client

from tests.oidc.fake_provider import CLIENT_ID, CLIENT_SECRET, KEYS, FakeProvider, new_keys
from tests.oidc.round_trip import outcomes, provider_url, query_of, start, visit_provider
from tests.pages import read
from users.oidc import provider as provider_module
from users.sessions.models import SignInEvent

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

FOREIGN = new_keys()
HOUR = 3600


@pytest.fixture
def caught(caplog):
    """The codes of the refusals in the log."""

    def codes() -> list[str]:
        return [record.outcome for record in caplog.records if record.name == "rollcall.oidc"]

    return codes


def assert_refused(client: Client, path: str, status: int, words: str) -> None:
    response = client.get(path)
    page = read(response)
    assert response.status_code == status, page.text
    assert page.one("h1").text == "Not signed in"
    assert words in page.one(class_="note error").text
    assert page.one("a", class_="button primary").attributes["href"] == "/login/"
    assert client.get("/users/").status_code == 302
    assert SignInEvent.objects.last().outcome == "oidc-refused"
    assert SignInEvent.objects.last().way == "oidc"


CLAIMS: list[tuple[str, dict[str, Any], str, int]] = [
    ("another issuer", {"iss": "https://evil.example"}, "mix-up", 400),
    ("another application", {"aud": "other"}, "audience", 400),
    ("no audience", {"aud": None}, "token", 502),
    ("two audiences", {"aud": [CLIENT_ID, "other"]}, "audience", 400),
    ("another party", {"aud": [CLIENT_ID, "other"], "azp": "other"}, "audience", 400),
    ("another party alone", {"azp": "other"}, "audience", 400),
    ("another nonce", {"nonce": "x" * 43}, "nonce", 400),
    ("no nonce", {"nonce": None}, "token", 502),
    ("a nonce that is no text", {"nonce": ["x"]}, "nonce", 400),
    ("no subject", {"sub": None}, "token", 502),
    ("an empty subject", {"sub": ""}, "token", 502),
    ("a long subject", {"sub": "x" * 256}, "token", 502),
    ("a number as subject", {"sub": 7}, "token", 502),
    ("hidden characters", {"sub": "248289761001\u202e"}, "token", 502),
    ("no end", {"exp": None}, "token", 502),
    ("an end that is no number", {"exp": True}, "token", 502),
    ("an endless number", {"exp": 1e400}, "token", 502),
]


@pytest.mark.parametrize(("claims", "code", "status"), [case[1:] for case in CLAIMS])
def test_a_token_with_wrong_claims_is_refused(client, provider, ada, caught, claims, code, status):
    provider.claims = claims
    assert client.get(start(client)).status_code == status
    assert caught() == [code]
    assert client.get("/users/").status_code == 302


def test_two_audiences_are_fine_if_this_application_asked(client, provider, ada):
    provider.claims = {"aud": ["other", CLIENT_ID], "azp": CLIENT_ID}
    assert client.get(start(client)).status_code == 302


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        ({"iat": -30, "exp": -30}, ""),
        ({"exp": -90}, "expired"),
        ({"iat": -HOUR, "exp": HOUR}, "expired"),
        ({"iat": 30}, ""),
        ({"iat": HOUR, "exp": 2 * HOUR}, "clock"),
        ({"nbf": HOUR}, "clock"),
    ],
)
def test_times_are_compared_with_a_minute_of_tolerance(
    client, provider, ada, caught, seconds, code
):
    provider.claims = {name: int(time.time()) + shift for name, shift in seconds.items()}
    client.get(start(client))
    assert caught() == ([code] if code else [])
    assert client.get("/users/").status_code == (302 if code else 200)


def forge_unsigned(provider: FakeProvider) -> None:
    provider.key, provider.algorithm = None, "none"


def forge_with_foreign_key(provider: FakeProvider) -> None:
    provider.key = FOREIGN["RS256"]


def forge_with_client_secret(provider: FakeProvider) -> None:
    """The confusion of algorithms: a shared secret instead of a key pair."""
    provider.key, provider.algorithm = CLIENT_SECRET, "HS256"


def forge_algorithm_of_another_key(provider: FakeProvider) -> None:
    provider.key, provider.algorithm = KEYS["ES256"], "ES256"


def forge_stronger_algorithm(provider: FakeProvider) -> None:
    provider.algorithm = "RS512"


def sign_with_unknown_key(provider: FakeProvider) -> None:
    provider.key_id = "another"


def sign_without_key_id(provider: FakeProvider) -> None:
    provider.key_id = None


def sign_with_short_key(provider: FakeProvider) -> None:
    provider.key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    provider.published = {"RS256": provider.key}


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (forge_unsigned, "signature"),
        (forge_with_foreign_key, "signature"),
        (forge_with_client_secret, "signature"),
        (forge_algorithm_of_another_key, "signature"),
        (forge_stronger_algorithm, "signature"),
        (sign_with_unknown_key, "key"),
        (sign_without_key_id, "key"),
        (sign_with_short_key, "key"),
    ],
)
@pytest.mark.filterwarnings("ignore:The RSA key is")
@pytest.mark.filterwarnings("ignore:The HMAC key is")
def test_a_forged_signature_is_refused(client, provider, ada, caught, forge, code):
    forge(provider)
    assert client.get(start(client)).status_code in (400, 502)
    assert caught() == [code]
    assert client.get("/users/").status_code == 302


@pytest.mark.parametrize("token", ["", "a.b.c", None, 7, [], "x" * 30_000, "é.é.é"])
def test_a_token_that_can_not_be_read_is_refused(client, provider, ada, caught, token):
    body = json.dumps({"id_token": token}).encode()
    path = start(client)
    provider.answers["/token"] = (200, {}, body)
    assert_refused(client, path, 502, "can’t be read")
    assert caught() == ["token"]


def test_a_new_key_of_the_provider_is_fetched_once(client, provider, ada, caught, monkeypatch):
    client.get(start(client))
    provider.published |= {"RS256-new": FOREIGN["RS256"]}
    provider.key, provider.key_id = FOREIGN["RS256"], "RS256-new"
    other = Client()
    other.get(start(other))
    assert caught() == ["key"]  # the keys were fetched less than a minute ago
    assert provider.asked.count("/keys") == 1
    monkeypatch.setattr(provider_module, "SEARCH_SECONDS", 0)
    other.get(start(other))
    assert other.get("/users/").status_code == 200
    assert provider.asked.count("/keys") == 2
    assert provider.asked.count("/.well-known/openid-configuration") == 1


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(client, ada, caught):
    path = start(client)
    assert_refused(Client(), path, 400, "began in another browser")
    assert client.get(path).status_code == 302
    client.post("/logout/")
    assert_refused(client, path, 400, "used before")
    assert_refused(client, "/login/oidc/callback/", 400, "Start again")
    assert_refused(client, "/login/oidc/callback/?state=%00&code=%ff", 400, "Start again")
    assert set(caught()) == {"state"}


def test_of_two_answers_at_one_moment_one_counts(client, ada, caught):
    """Both requests have read the session before either has written it."""
    path = start(client)
    noted = client.session["oidc"]
    assert client.get(path).status_code == 302
    client.post("/logout/")
    client.get("/login/oidc/callback/")
    session = client.session
    session["oidc"] = noted
    session.save()
    client.cookies["session"] = session.session_key
    assert_refused(client, path, 400, "used before")


def test_a_code_can_not_be_used_with_the_state_of_somebody_else(client, ada, caught):
    """An attacker's answer in the victim's browser: neither state nor verifier fit."""
    victim = Client()
    stolen = query_of(start(client))
    own = query_of(start(victim))
    path = f"/login/oidc/callback/?code={stolen['code']}&state={own['state']}"
    assert_refused(victim, path, 502, "did not accept the code")
    assert caught() == ["code"]


def test_a_sign_in_that_takes_too_long_starts_again(client, ada, caught):
    path = start(client)
    session = client.session
    [noted] = session["oidc"].values()
    noted["began_at"] -= 601
    session.save()
    assert_refused(client, path, 400, "expired")
    for _ in range(5):
        path = start(client)
    assert len(client.session["oidc"]) == 3
    assert client.get(path).status_code == 302


@pytest.mark.parametrize(
    ("response", "code", "status"),
    [
        ({"error": "access_denied", "code": None}, "cancelled", 403),
        ({"error": "server_error", "code": None}, "provider-error", 502),
        ({"error": "<script>\x00\u202e", "code": None}, "provider-error", 502),
        ({"iss": "https://evil.example"}, "mix-up", 400),
        ({"code": None}, "code", 502),
        ({"code": ""}, "code", 502),
        ({"code": "made-up"}, "code", 502),
        ({"code": "é\x00\u202e"}, "code", 502),
        ({"code": "x" * 5000}, "code", 502),
    ],
)
def test_errors_in_the_answer_have_words(client, provider, ada, caught, response, code, status):
    provider.response = response
    answer = client.get(start(client))
    assert answer.status_code == status
    assert "Contoso" in read(answer).text
    assert "<script>" not in answer.content.decode()
    assert caught() == [code]
    assert outcomes() == [("oidc-refused", "oidc")]


def test_a_provider_that_names_itself_must_do_so(client, provider, ada, caught):
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    client.get(start(client))
    assert caught() == ["mix-up"]
    provider.response = {"iss": provider.issuer}
    assert client.get(start(client)).status_code == 302


METADATA = "/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("path", "answer", "code"),
    [
        (METADATA, (503, {}, b""), "unreachable"),
        (METADATA, (302, {"Location": "/elsewhere"}, b""), "unreachable"),
        (METADATA, (200, {}, b"<html>"), "metadata"),
        (METADATA, (200, {}, b"[" * 50_000), "metadata"),
        (METADATA, (200, {}, b"[]"), "metadata"),
        (METADATA, (200, {}, b'"' + b"x" * 200_000), "unreachable"),
        ("/keys", (200, {}, b'{"keys": 7}'), "key"),
        ("/keys", (200, {}, b'{"keys": [7, {"kid": "RS256", "kty": "RSA"}]}'), "token"),
        ("/keys", (500, {}, b""), "unreachable"),
        ("/token", (500, {}, b""), "unreachable"),
        ("/token", (302, {"Location": "/elsewhere"}, b""), "code"),
        ("/token", (200, {}, b"<html>"), "token"),
    ],
)
def test_a_broken_provider_has_words(client, provider, ada, caught, path, answer, code):
    provider.answers[path] = answer
    is_first = path == METADATA
    response = client.post("/login/oidc/") if is_first else client.get(start(client))
    assert response.status_code == 502
    assert read(response).one("h1").text == "Not signed in"
    assert caught() == [code]
    assert "/elsewhere" not in provider.asked


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://a@evil.example/\n"},
    ],
)
def test_endpoints_must_be_safe(client, provider, caught, metadata):
    provider.metadata = metadata
    assert client.post("/login/oidc/").status_code == 502
    assert caught() == ["metadata"]


def test_endpoints_on_this_machine_need_tls_in_production(client, provider, settings, caught):
    settings.OIDC = settings.OIDC._replace(allows_loopback=False)
    assert client.post("/login/oidc/").status_code == 502
    assert caught() == ["metadata"]


def test_nobody_waits_for_a_provider_that_has_just_failed(client, provider, monkeypatch):
    provider.answers[METADATA] = (503, {}, b"")
    for _ in range(3):
        assert client.post("/login/oidc/").status_code == 502
    assert provider.asked == [METADATA]
    provider.answers.clear()
    monkeypatch.setattr(provider_module, "RETRY_SECONDS", 0)
    assert provider_url(client.post("/login/oidc/"))


def test_a_slow_or_absent_provider_has_words(client, provider, settings, caught, monkeypatch):
    monkeypatch.setattr("users.oidc.provider_requests.ANSWER_SECONDS", 0.1)
    provider.seconds = 0.5
    assert client.post("/login/oidc/").status_code == 502
    settings.OIDC = settings.OIDC._replace(issuer="http://127.0.0.1:1")
    assert client.post("/login/oidc/").status_code == 502
    assert caught() == ["unreachable", "unreachable"]
    assert client.get("/login/").status_code == 200


def test_nothing_secret_is_logged(client, provider, ada, caplog):
    caplog.set_level("DEBUG")
    url = provider_url(client.post("/login/oidc/"))
    path = visit_provider(url)
    session = client.session["oidc"]
    client.get(path)
    client.get(path)
    secrets = [query_of(path)["code"], "s3cret", *next(iter(session.values())).values()]
    texts = [str(secret) for secret in secrets if len(str(secret)) > 5]
    assert not [text for text in texts if text in caplog.text]
