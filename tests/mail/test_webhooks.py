"""POST /mail/events/<provider>/"""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta, timezone

import pytest
from anymail.signals import AnymailTrackingEvent
from django.db import OperationalError
from django_q.models import OrmQ

from tests.mail import provider_payloads as payloads
from tests.mail.provider_payloads import AT, BUILDERS, MAILGUN_KEY, postmark
from users.mail import provider_events, webhooks
from users.mail.models import DeliveryEvent
from users.mail.provider_events import (
    PERMANENCE_FIELDS,
    PERMANENCE_RULES,
    PERMANENT_VALUES,
    event_row,
    is_permanent_bounce,
)

pytestmark = pytest.mark.django_db

OURS = "0123456789abcdef0123456789abcdef"
SECRET = "rollcall:a-password-for-webhooks"
KINDS = {
    "delivered": ("delivered", False),
    "deferred": ("deferred", False),
    "bounced": ("bounced", True),
    "blocked": ("bounced", False),
    "complained": ("complained", False),
    "unsubscribed": ("unsubscribed", False),
}


@pytest.fixture(autouse=True)
def open_webhooks(settings, monkeypatch):
    # The payloads' times are those of one day.
    monkeypatch.setattr(provider_events, "OLDEST_REPORT", timedelta(days=36_500))
    settings.EMAIL_EVENTS = list(BUILDERS)
    settings.EMAIL_WEBHOOK_SECRETS = [SECRET]
    settings.EMAIL_WEBHOOK_KEYS = {"mailgun": ["an-older-key", MAILGUN_KEY]}
    settings.ANYMAIL = {"WEBHOOK_SECRET": [SECRET]}
    monkeypatch.setattr(webhooks, "wake_ups", webhooks.WakeUps())


def authorization(secret: str = SECRET) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(secret.encode()).decode()}


def send(client, provider: str, request: dict, secret: str = SECRET):
    headers = request["headers"] | authorization(secret)
    return client.post(f"/mail/events/{provider}/", **request | {"headers": headers})


def stored() -> list[tuple]:
    rows = DeliveryEvent.objects.order_by("pk")
    return list(rows.values_list("kind", "is_permanent", "message_id", "recipient", "at"))


@pytest.mark.parametrize("provider", BUILDERS)
def test_each_event_of_a_provider_is_stored_once_with_our_message(client, provider):
    wanted = []
    for kind, (stored_kind, is_permanent) in KINDS.items():
        if (provider, kind) == ("amazon-ses", "unsubscribed"):
            continue  # it reports none
        request = BUILDERS[provider](kind, of=OURS)
        for _ in range(2):
            assert send(client, provider, request).status_code == 200
        at = AT.replace(microsecond=520000) if provider == "mailgun" else AT
        wanted.append((stored_kind, is_permanent, OURS, "ada@example.com", at))
    assert send(client, provider, BUILDERS[provider]("opened", of=OURS)).status_code == 200
    assert stored() == wanted
    details = set(DeliveryEvent.objects.filter(is_permanent=True).values_list("detail", flat=True))
    assert all("550 5.1.1" in detail for detail in details)


def test_a_time_that_can_not_be_counts_as_now(monkeypatch):
    monkeypatch.setattr(provider_events, "OLDEST_REPORT", timedelta(days=30))
    now = datetime.now(UTC)
    east = timezone(timedelta(hours=14))
    cases = (
        (now - timedelta(days=3), now - timedelta(days=3)),
        (now + timedelta(seconds=90), now),
        (now - timedelta(days=31), now),
        (datetime(1, 1, 1, tzinfo=east), now),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=12))), now),
        (None, now),
    )
    for at, stored_at in cases:
        event = AnymailTrackingEvent(event_type="delivered", timestamp=at, message_id="x")
        assert event_row("postmark", event, now).at == stored_at, at


BOUNCES = [
    ("amazon-ses", {"bounce": {"bounceType": "Permanent", "bounceSubType": "NoEmail"}}, True),
    (
        "amazon-ses",
        {"bounce": {"bounceType": "Permanent", "bounceSubType": "OnAccountSuppressionList"}},
        False,
    ),
    ("mailersend", {"data": {"type": "hard_bounced"}}, True),
    ("mailersend", {"data": {"type": "soft_bounced"}}, False),
    ("mailjet", {"event": "bounce", "hard_bounce": True}, True),
    ("mailjet", {"event": "blocked", "hard_bounce": False}, False),
    ("mailtrap", {"event": "bounce"}, True),
    ("mailtrap", {"event": "reject"}, False),
    ("mandrill", {"event": "hard_bounce"}, True),
    ("mandrill", {"event": "soft_bounce"}, False),
    ("postmark", {"SuppressionReason": "HardBounce"}, True),
    ("postmark", {"SuppressionReason": "SpamComplaint"}, False),
    ("resend", {"data": {"bounce": {"type": "Permanent"}}}, True),
    ("resend", {"data": {"bounce": "odd"}}, False),
    ("sparkpost", {"msys": {"message_event": {"bounce_class": "10"}}}, True),
    ("sparkpost", {"msys": {"message_event": {"bounce_class": "22"}}}, False),
    ("unisender-go", {"delivery_info": {"delivery_status": "err_user_unknown"}}, True),
    ("unisender-go", {"delivery_info": {"delivery_status": "err_mailbox_full"}}, False),
]


def test_each_provider_has_its_own_sign_of_a_bounce_that_stays(settings):
    for provider, raw, is_permanent in BOUNCES:
        event = AnymailTrackingEvent(event_type="bounced", esp_event=raw)
        assert is_permanent_bounce(provider, event) is is_permanent, (provider, raw)
    reply = AnymailTrackingEvent(event_type="failed", esp_event={}, mta_response="550 5.1.1 no")
    assert is_permanent_bounce("postal", reply)
    known = {*PERMANENCE_RULES, *PERMANENCE_FIELDS}
    assert known == {name for name, each in settings.EMAIL_PROVIDERS.items() if each.view}
    assert PERMANENCE_FIELDS.keys() == PERMANENT_VALUES.keys()


def test_an_event_without_our_id_keeps_the_providers(client):
    request = BUILDERS["brevo"]("delivered")
    body = json.loads(request["data"]) | {"message-id": f"<{OURS}@testserver>"}
    send(client, "brevo", request)
    send(client, "brevo", request | {"data": json.dumps(body)})
    found = DeliveryEvent.objects.order_by("pk").values_list("message_id", "provider_id")
    # A mail server's id is our Message-ID.
    assert list(found) == [
        ("", "<202611281200.1234567890@smtp-relay.mailin.fr>"),
        (OURS, f"<{OURS}@testserver>"),
    ]


def test_five_hundred_events_take_one_insert_and_wake_the_worker_once(
    client, django_assert_max_num_queries
):
    def batch(first: int) -> dict:
        numbers = range(first, first + 500)
        return payloads.posted(
            [payloads.sendgrid_event("delivered", f"{n:032x}", number=n) for n in numbers]
        )

    assert send(client, "sendgrid", batch(0)).status_code == 200
    assert DeliveryEvent.objects.count() == 500
    assert OrmQ.objects.count() == 1
    # PostgreSQL takes one statement, and SQLite one for 83 rows.
    with django_assert_max_num_queries(9) as queries:
        assert send(client, "sendgrid", batch(250)).status_code == 200
    statements = [query["sql"] for query in queries.captured_queries]
    assert all(sql.startswith(("INSERT", "SAVEPOINT", "RELEASE")) for sql in statements)
    assert DeliveryEvent.objects.count() == 750
    assert OrmQ.objects.count() == 1


def test_a_request_needs_one_of_the_secrets(client, settings):
    request = postmark("delivered", of=OURS)
    path = "/mail/events/postmark/"
    missing = client.post(path, **request)
    assert (missing.status_code, missing["WWW-Authenticate"]) == (401, 'Basic realm="Rollcall"')
    assert send(client, "postmark", request, "rollcall:guess").status_code == 403
    broken = {"Authorization": "Basic \u00e4"}
    assert client.post(path, **request | {"headers": broken}).status_code == 403
    assert not DeliveryEvent.objects.exists()
    settings.EMAIL_WEBHOOK_SECRETS = ["rollcall:the-next-password-of-two", SECRET]
    settings.ANYMAIL = {"WEBHOOK_SECRET": settings.EMAIL_WEBHOOK_SECRETS}
    response = send(client, "postmark", request)
    assert response.status_code == 200
    assert not response.cookies
    assert response["Cache-Control"] == "no-store"


def test_a_signature_is_checked_with_each_key(client, settings):
    for key, status in ((MAILGUN_KEY, 200), ("a-wrong-key", 403)):
        request = payloads.mailgun("delivered", of=OURS, key=key)
        assert send(client, "mailgun", request).status_code == status
    assert DeliveryEvent.objects.count() == 1
    # Signed requests need no password.
    settings.EMAIL_WEBHOOK_SECRETS = settings.ANYMAIL["WEBHOOK_SECRET"] = []
    request = payloads.mailgun("bounced", of=OURS)
    assert client.post("/mail/events/mailgun/", **request).status_code == 200


def test_an_unknown_provider_a_method_and_what_is_no_event_are_refused(client, settings):
    assert client.put("/mail/events/postmark/").status_code == 405
    assert client.get("/mail/events/postmark/", headers=authorization()).status_code == 200
    assert send(client, "mailjet", postmark("delivered")).status_code == 404
    for data in ("", "{", "[]", "[" * 100_000, '{"event": {}}', '{"timestamp": 1e400}', "\xff"):
        request = {"data": data, "content_type": "application/json", "headers": {}}
        for provider in BUILDERS:
            response = send(client, provider, request)
            assert response.status_code in (200, 400, 403), (provider, data)
    assert not DeliveryEvent.objects.exists()


def test_a_body_may_be_larger_than_a_form_but_is_bounded(client, settings, monkeypatch):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert send(client, "postmark", postmark("delivered")).status_code == 200
    monkeypatch.setattr(webhooks, "BODY_MAX", 100)
    assert send(client, "postmark", postmark("bounced")).status_code == 413
    assert DeliveryEvent.objects.count() == 1


def test_texts_that_no_database_stores_are_cleaned(client):
    request = postmark("bounced", Details="550 \x00 \ud800 no", MessageID="m" * 300)
    assert send(client, "postmark", request).status_code == 200
    event = DeliveryEvent.objects.get()
    assert (event.detail, len(event.provider_id)) == ("550  ? no", 200)


def test_an_error_of_the_database_makes_the_provider_repeat_the_request(client, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    client.raise_request_exception = False
    monkeypatch.setattr(DeliveryEvent.objects, "bulk_create", fail)
    assert send(client, "postmark", postmark("delivered")).status_code == 503


def test_amazon_asks_to_confirm_a_topic_and_the_log_has_the_url(client, caplog):
    message = {
        "Type": "SubscriptionConfirmation",
        "MessageId": "165545c9",
        "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
    }
    kind = {"x-amz-sns-message-type": message["Type"], "x-amz-sns-message-id": "165545c9"}
    assert send(client, "amazon-ses", payloads.posted(message, **kind)).status_code == 200
    assert "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription" in caplog.text
