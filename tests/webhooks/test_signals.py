"""Security signals: signed tokens, pushed (RFC 8935) and polled (RFC 8936)."""

import json
from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from django.utils import timezone
from webhook_settings import WebhookSettings

from tests.answers import assert_wrong_method
from tests.builders import make_superuser, make_user, make_users
from tests.webhooks.hooks import change, states, subscribe, subscribed_receiver
from users.factors.encryption import decrypt_secret
from users.webhooks.models import WebhookSubscription
from users.webhooks.signal_tokens import SIGNAL_KINDS
from users.webhooks.subscriptions import pause_subscription, rotate_secret
from users.webhooks.tasks import deliver_webhooks

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
SCHEMAS = "https://schemas.openid.net/secevent"
SITE = "http://localhost:8000"


@pytest.fixture(autouse=True)
def signing_key(settings) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    settings.SITE_URL = SITE
    settings.WEBHOOKS = WebhookSettings(private_hosts=frozenset({"127.0.0.1"}), keys=(key,))


@pytest.fixture
def stream() -> WebhookSubscription:
    return subscribe("", method="poll", kinds=list(SIGNAL_KINDS))


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims_of(client, token: str) -> dict:
    """Returns the claims of a token, after checking its signature with the published keys."""
    head, body, signature = token.split(".")
    header = json.loads(decoded(head))
    assert (header["typ"], header["alg"]) == ("secevent+jwt", "ES256")
    keys = client.get("/ssf/jwks.json").json()["keys"]
    [key] = [each for each in keys if each["kid"] == header["kid"]]
    x, y = (int.from_bytes(decoded(key[name])) for name in "xy")
    raw = decoded(signature)
    pair = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    public.verify(pair, f"{head}.{body}".encode(), ec.ECDSA(SHA256()))
    return json.loads(decoded(body))


def ask(client, row: WebhookSubscription, path: str = "", content=None, token: str = ""):
    header = {"Authorization": f"Bearer {token or decrypt_secret(row.secret)}"}
    path = f"/ssf/streams/{row.pk}/{path}" if not path.startswith("/") else path
    if content is None:
        return client.get(path, headers=header)
    return client.post(path, content, content_type="application/json", headers=header)


def poll(client, row: WebhookSubscription, **content):
    response = ask(client, row, "poll/", {"returnImmediately": True} | content)
    assert response.status_code == 200
    return response.json()


def test_pushed_tokens_say_what_happened_and_whom_it_concerns(client):
    account = make_user()
    actions = {
        "account.suspended": "risc/event-type/account-disabled",
        "account.reinstated": "risc/event-type/account-enabled",
        "account.erased": "risc/event-type/account-purged",
        "account.sessions_ended": "caep/event-type/session-revoked",
        "account.second_factor_reset": "caep/event-type/credential-change",
    }
    with subscribed_receiver(method="push", kinds=list(SIGNAL_KINDS)) as (server, row):
        for action in actions:
            change(account, action=action)
        change(account)
        deliver_webhooks()
        headers, _ = server.requests[0]
        found = [claims_of(client, body) for _, body in server.requests]
    assert headers["Content-Type"] == "application/secevent+jwt"
    assert headers["Authorization"] == f"Bearer {decrypt_secret(row.secret)}"
    types = [next(iter(claims["events"])) for claims in found]
    assert types == [f"{SCHEMAS}/{name}" for name in actions.values()]
    assert found[0]["iss"] == SITE
    assert found[0]["aud"] == f"{SITE}/ssf/streams/{row.pk}/"
    assert found[0]["sub_id"] == {"format": "opaque", "id": str(account.pk)}
    details = found[-1]["events"][types[-1]]
    assert (details["credential_type"], details["change_type"]) == ("app", "revoke")
    assert "exp" not in found[0]


def test_the_subject_is_what_the_subscription_says_and_its_owner_may_see(client):
    owner = make_superuser()
    account = make_user(email="Ada@example.com")
    kinds = list(SIGNAL_KINDS)
    issued = subscribe("", method="poll", kinds=kinds, subject="iss_sub")
    named = subscribe("", method="poll", kinds=kinds, subject="email", by=owner)
    change(account, action="account.suspended")
    subjects = []
    for row in (issued, named):
        [token] = poll(client, row)["sets"].values()
        subjects.append(claims_of(client, token)["sub_id"])
    assert subjects == [
        {"format": "iss_sub", "iss": SITE, "sub": str(account.pk)},
        {"format": "email", "email": "Ada@example.com"},
    ]
    owner.is_superuser = False
    owner.save()
    [token] = poll(client, named)["sets"].values()
    assert claims_of(client, token)["sub_id"]["format"] == "opaque"


def test_polled_tokens_come_until_they_are_acknowledged(client, stream):
    first, second, third = change(*make_users(3), action="account.suspended")
    answer = poll(client, stream, maxEvents=2)
    assert list(answer["sets"]) == [first, second]
    assert answer["moreAvailable"] is True
    assert list(poll(client, stream, maxEvents=1)["sets"]) == [first]
    answer = poll(client, stream, ack=[first, "event_999", "x"])
    assert list(answer["sets"]) == [second, third]
    assert "moreAvailable" not in answer
    errors = {second: {"err": "invalid_key", "description": "No such\u202e key"}}
    assert poll(client, stream, maxEvents=0, ack=[third], setErrs=errors)["sets"] == {}
    assert states(stream) == ["delivered", "dead", "delivered"]
    assert stream.deliveries.get(state="dead").error == "refused: invalid_key No such? key"
    assert poll(client, stream)["sets"] == {}
    pause_subscription(stream, by=make_superuser())
    change(*make_users(1), action="account.suspended")
    assert poll(client, stream) == {"sets": {}}


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "x",
        '{"maxEvents": -1}',
        '{"maxEvents": true}',
        '{"ack": "a"}',
        '{"ack": [1]}',
        '{"setErrs": []}',
        '{"setErrs": {"a": 1}}',
        '{"ack": [' + 1001 * '"a",' + '"a"]}',
        "[" * 100_000,
        '{"ack": ["' + 200_000 * "a" + '"]}',
    ],
)
def test_a_bad_poll_is_refused_with_words(client, stream, content):
    response = ask(client, stream, "poll/", content)
    assert response.status_code == 400
    assert response.json()["err"] == "invalid_request"


def test_a_verification_returns_the_state_of_the_receiver(client, stream):
    content = {"stream_id": str(stream.pk), "state": "abc"}
    assert ask(client, stream, "/ssf/verification/", content).status_code == 204
    assert ask(client, stream, "/ssf/verification/", content).status_code == 429
    [token] = poll(client, stream)["sets"].values()
    claims = claims_of(client, token)
    assert claims["events"] == {f"{SCHEMAS}/ssf/event-type/verification": {"state": "abc"}}
    assert claims["sub_id"] == {"format": "opaque", "id": str(stream.pk)}
    for wrong in ({"state": "abc"}, content | {"state": 201 * "a"}, content | {"state": "\n"}):
        assert ask(client, stream, "/ssf/verification/", wrong).status_code == 400


def test_a_verification_does_not_end_the_pause_of_a_failing_receiver(client):
    row = subscribe("http://127.0.0.1:9/", method="push", kinds=list(SIGNAL_KINDS))
    until = timezone.now() + timedelta(hours=1)
    WebhookSubscription.objects.filter(pk=row.pk).update(due_at=until)
    content = {"stream_id": str(row.pk), "state": "abc"}
    assert ask(client, row, "/ssf/verification/", content).status_code == 204
    row.refresh_from_db()
    assert row.due_at == until


def test_the_configurations_name_the_endpoints(client, stream):
    found = client.get("/.well-known/ssf-configuration").json()
    assert found["issuer"] == SITE
    assert found["jwks_uri"] == f"{SITE}/ssf/jwks.json"
    assert found["delivery_methods_supported"] == ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"]
    configuration = ask(client, stream).json()
    assert configuration["delivery"] == {
        "method": "urn:ietf:rfc:8936",
        "endpoint_url": f"{SITE}/ssf/streams/{stream.pk}/poll/",
    }
    assert len(configuration["events_delivered"]) == 5
    assert ask(client, stream, "/ssf/streams/").json() == [configuration]
    named = f"/ssf/streams/?stream_id={stream.pk}"
    assert ask(client, stream, named).json() == configuration
    assert ask(client, stream, "/ssf/streams/?stream_id=x").status_code == 404
    [key] = client.get("/ssf/jwks.json").json()["keys"]
    assert "d" not in key


def test_only_the_token_of_a_stream_opens_it(client, stream):
    other = subscribe("", method="poll", kinds=list(SIGNAL_KINDS))
    hook = subscribe("http://127.0.0.1:9/")
    token = decrypt_secret(other.secret)
    assert ask(client, stream, token=token).status_code == 404
    for wrong in ("x", "ssf_", f"ssf_{stream.pk}_x", f"ssf_{2**70}_x", "ssf_²_x", "\u00e9"):
        response = ask(client, stream, token=wrong)
        assert response.status_code == 401
        assert response["WWW-Authenticate"] == "Bearer"
    assert ask(client, hook, token=decrypt_secret(hook.secret)).status_code == 401
    assert client.post("/ssf/verification/").status_code == 401
    assert_wrong_method(client, "/.well-known/ssf-configuration", allowed="GET, HEAD")
    assert ask(client, stream, "poll/").status_code == 405
    old = decrypt_secret(stream.secret)
    new = rotate_secret(stream, by=make_superuser())
    assert ask(client, stream, token=old).status_code == 200
    assert ask(client, stream, token=new).status_code == 200
    WebhookSubscription.objects.update(previous_until=None)
    assert ask(client, stream, token=old).status_code == 401


def test_without_a_key_there_are_no_signals(client, settings, stream):
    settings.WEBHOOKS = WebhookSettings()
    for path in ("/.well-known/ssf-configuration", "/ssf/jwks.json"):
        assert client.get(path).status_code == 404
    assert ask(client, stream).status_code == 404


def test_a_token_that_no_key_can_read_opens_nothing(client, stream):
    token = decrypt_secret(stream.secret)
    WebhookSubscription.objects.update(secret="gAAAAA")
    assert ask(client, stream, token=token).status_code == 401
