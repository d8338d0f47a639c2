"""Sends events to a webhook as Standard Webhooks describes it: one event a request, with a
signature of each secret of the settings.
"""

import json
from collections.abc import Sequence
from datetime import UTC

from django.conf import settings

from users.audit.feeds.feed_policy import feed_policy
from users.audit.feeds.ocsf import ocsf_event
from users.audit.models import AuditEvent
from users.outbound.http_sender import REFUSALS, HttpSender
from users.outbound.signatures import signed_headers

# For a whole request with its answer, and with another connection if one is needed.
REQUEST_SECONDS = 15


class RefusedEvent(Exception):
    """The receiver refuses this one event."""


class WebhookSender:
    """Sends events one by one."""

    batch_size = 1

    def __init__(self) -> None:
        feeds = settings.AUDIT_FEEDS
        self.sender = HttpSender(feeds.webhook, feed_policy())

    def close(self) -> None:
        self.sender.close()

    def send(self, events: Sequence[AuditEvent]) -> None:
        """Raises OSError or HTTPException, and RefusedEvent if only this event is refused."""
        for event in events:
            body = webhook_body(event)
            headers = signed_headers(f"audit_{event.pk}", body, settings.AUDIT_FEEDS.secrets)
            status = self.sender.post(body, headers, REQUEST_SECONDS).status
            if status in REFUSALS:
                raise RefusedEvent(f"refused with status {status}")
            if not 200 <= status < 300:
                raise OSError(f"the webhook answered with status {status}")


def webhook_body(event: AuditEvent) -> str:
    time = event.at.astimezone(UTC).isoformat()
    content = {
        "type": "audit.event",
        "timestamp": time,
        "data": ocsf_event(event),
    }
    return json.dumps(content, separators=(",", ":"))
