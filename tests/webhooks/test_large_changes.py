"""Deletion and replay of many deliveries: a request does one batch, the worker the rest."""

from typing import Any

import pytest

from tests.builders import make_superuser, make_user
from tests.webhooks.hooks import LOCAL, change, states, subscribe
from users.audit.models import AuditEvent
from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.factors.encryption import decrypt_secret
from users.models import User
from users.webhooks import large_changes
from users.webhooks.models import WebhookDelivery, WebhookSubscription
from users.webhooks.secrets import find_stream
from users.webhooks.subscriptions import (
    delete_subscription,
    pause_subscription,
    requeue_dead_letters,
)
from users.webhooks.webhook_state import webhook_rows

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def root() -> User:
    return make_superuser()


@pytest.fixture
def row(settings, monkeypatch, root) -> WebhookSubscription:
    """A subscription with five dead letters. A batch has two."""
    settings.WEBHOOKS = LOCAL
    monkeypatch.setattr(large_changes, "BATCH", 2)
    row = subscribe("http://127.0.0.1:9/", by=root)
    now = current_time()
    for number in range(5):
        row.deliveries.create(
            kind="account.changed",
            source="event",
            source_id=number,
            state="dead",
            created_at=now,
        )
    return row


def last_event() -> dict[str, Any]:
    event = AuditEvent.objects.latest("pk")
    return {"action": event.action, **event.after}


def test_a_request_queues_one_batch_again_and_the_worker_the_rest(row, root):
    assert requeue_dead_letters(row, by=root) == 5
    assert states(row) == ["waiting"] * 2 + ["dead"] * 3
    assert (last_event()["action"], last_event()["letters"]) == ("webhook.replayed", 5)
    # A letter that dies again is not queued again.
    row.deliveries.filter(pk=row.deliveries.earliest("pk").pk).update(state="dead")
    assert large_changes.continue_large_changes() == 3
    assert states(row) == ["dead"] + ["waiting"] * 4
    row.refresh_from_db()
    assert row.replay_before is None
    assert large_changes.continue_large_changes() == 0


def test_an_edit_in_between_does_not_end_a_replay(row, root):
    requeue_dead_letters(row, by=root)
    pause_subscription(row, by=root)
    large_changes.continue_large_changes()
    assert states(row) == ["waiting"] * 5


def test_a_request_deletes_one_batch_and_the_worker_the_rest(client, row, root):
    client.force_login(root)
    requeue_dead_letters(row, by=root)
    delete_subscription(row, by=root, reason="Unused")
    assert row.deliveries.count() == 3
    assert not webhook_rows().exists()
    assert client.get(f"/staff/webhooks/{row.pk}/").status_code == 404
    with pytest.raises(VerbRefused):
        requeue_dead_letters(row, by=root)
    row.refresh_from_db()
    assert (row.secret, row.previous_secret) == ("", "")
    change(make_user())
    assert large_changes.continue_large_changes() == 3
    assert not WebhookSubscription.objects.exists()
    assert not WebhookDelivery.objects.exists()


def test_a_deleted_stream_knows_no_token(row, root):
    stream = subscribe("", by=root, method="poll", kinds=["account.suspended"])
    for _ in range(3):
        stream.deliveries.create(kind="account.suspended", source="event")
    token = decrypt_secret(stream.secret)
    assert find_stream(token) == stream
    delete_subscription(stream, by=root, reason="Unused")
    assert WebhookSubscription.objects.filter(pk=stream.pk).exists()
    assert find_stream(token) is None
