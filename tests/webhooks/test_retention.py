"""What stays of webhooks: after an erasure, after the days of retention, and under a new key."""

from datetime import timedelta

import pytest

from tests.builders import make_superuser, make_user
from tests.webhooks.hooks import LOCAL, change, subscribe
from users.audit.blanking import blank_events
from users.audit.models import AuditEvent
from users.database.clock import current_time
from users.factors.encryption import decrypt_secret, has_current_key
from users.forgetting import Erasure
from users.health import cleanup
from users.health.cleanup import delete_webhook_deliveries
from users.webhooks.forgetting import erase_webhook_owner
from users.webhooks.models import WebhookDelivery, WebhookSubscription
from users.webhooks.payload_view import shown_payload
from users.webhooks.tasks import deliver_webhooks, renew_webhook_secrets

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def row(settings) -> WebhookSubscription:
    settings.WEBHOOKS = LOCAL
    return subscribe("http://127.0.0.1:9/", with_values=True)


def test_an_erasure_takes_the_values_out_of_payloads_and_leaves_the_delivery(row):
    viewer = make_superuser()
    account = make_user()
    change(account, after={"last_name": "Lovelace"})
    deliver_webhooks()
    delivery = row.deliveries.get()
    assert "Lovelace" in shown_payload(row, delivery, viewer)
    blank_events(AuditEvent.objects.filter(target_id=account.pk), "target")
    shown = shown_payload(row, delivery, viewer)
    assert "Lovelace" not in shown
    assert f'"account_id": "{account.pk}"' in shown
    stored = WebhookDelivery.objects.filter(pk=delivery.pk).values().get()
    assert "Lovelace" not in str(stored)


def test_the_name_of_an_erased_owner_goes(row):
    owner = make_user(username="ada")
    WebhookSubscription.objects.update(owner_id=owner.pk, owner_text="ada")
    erase_webhook_owner(Erasure(account=owner, by=None, reserve=False))
    assert "ada" not in WebhookSubscription.objects.get().owner_text


def test_deliveries_that_ended_are_deleted_after_the_days_of_retention(row):
    now = current_time()
    for state in ("waiting", "delivered", "dead"):
        for days in (29, 31):
            at = now - timedelta(days=days)
            row.deliveries.create(kind="job.done", source="staff", state=state, created_at=at)
    assert delete_webhook_deliveries() == 2
    assert delete_webhook_deliveries() == 0
    assert row.deliveries.count() == 4


def test_letters_that_were_sent_again_do_not_keep_what_is_older(row, monkeypatch):
    monkeypatch.setattr(cleanup, "BATCH", 2)
    now = current_time()
    for days in (1, 1, 1, 31):
        at = now - timedelta(days=days)
        row.deliveries.create(kind="job.done", source="staff", state="dead", created_at=at)
    assert delete_webhook_deliveries() == 1
    assert row.deliveries.count() == 3


def test_secrets_are_encrypted_again_after_the_key_was_replaced(row, settings):
    secret = decrypt_secret(row.secret)
    assert renew_webhook_secrets() == 0
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-" + 5 * "0123456789"
    assert renew_webhook_secrets() == 1
    row.refresh_from_db()
    assert has_current_key(row.secret)
    assert decrypt_secret(row.secret) == secret
    assert renew_webhook_secrets() == 0
