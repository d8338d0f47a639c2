"""Subscriptions and events for the tests of webhooks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from webhook_settings import WebhookSettings

from tests.audit.feeds.receivers import ReceiverServer, running_receiver
from tests.builders import make_superuser
from users.audit import chain
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.models import User
from users.webhooks.kinds import KINDS
from users.webhooks.models import WebhookDelivery, WebhookSubscription
from users.webhooks.subscriptions import create_subscription

LOCAL = WebhookSettings(private_hosts=frozenset({"127.0.0.1"}))


def subscribe(url: str, *, by: User | None = None, **values: Any) -> WebhookSubscription:
    """Returns a new subscription to all kinds, or the given ones."""
    fields = {
        "name": "Billing",
        "method": "webhook",
        "kinds": list(KINDS),
        "with_values": False,
        "subject": "opaque",
        "audience": "",
        "reason": "for a test",
    }
    row, _ = create_subscription(by=by or make_superuser(), url=url, **(fields | values))
    return row


@contextmanager
def subscribed_receiver(**values: Any) -> Iterator[tuple[ReceiverServer, WebhookSubscription]]:
    with running_receiver() as server:
        yield server, subscribe(receiver_url(server), **values)


def receiver_url(server: ReceiverServer) -> str:
    return f"http://127.0.0.1:{server.server_port}/hook?token=hidden"


def change(*accounts: User, action: str = "account.edited", **values: Any) -> list[str]:
    """Records an event about each account and seals them. Returns their message IDs."""
    events = [record_event(action, actor=None, target=account, **values) for account in accounts]
    chain.seal_waiting_events()
    return [f"event_{event.pk}" for event in events]


def received(server: ReceiverServer) -> list[str]:
    """Returns the message IDs in the order in which they came."""
    return [headers["webhook-id"] for headers, _ in server.requests]


def states(row: WebhookSubscription) -> list[str]:
    return list(row.deliveries.order_by("pk").values_list("state", flat=True))


def make_due() -> None:
    """Ends all pauses."""
    WebhookSubscription.objects.update(due_at=None, claimed_until=None)
    waiting = WebhookDelivery.objects.filter(state="waiting", due_at__isnull=False)
    waiting.update(due_at=AuditEvent.objects.earliest("at").at)
