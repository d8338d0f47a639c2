"""Sends events to a webhook as Standard Webhooks describes it: one event a request, with a
signature of each secret of the settings.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, RemoteDisconnected
from urllib.parse import urlsplit

from django.conf import settings
from standardwebhooks.webhooks import Webhook

from users.audit.feeds.ocsf import ocsf_event
from users.audit.feeds.streams import STEP_SECONDS, LimitedStreams, with_tls
from users.audit.models import AuditEvent

# For a whole request with its answer, and with another connection if one is needed.
REQUEST_SECONDS = 15
MAX_ANSWER_BYTES = 10_000
# The receiver has read the event, and does not want it.
REFUSALS = {400, 413, 415, 422}
USER_AGENT = "Rollcall"


class RefusedEvent(Exception):
    """The receiver refuses this one event."""


class FeedConnection(HTTPConnection):
    """A connection for several requests. It follows no redirects and uses no proxy."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.is_tls = parts.scheme == "https"
        self.default_port = 443 if self.is_tls else 80
        super().__init__(parts.hostname or "", parts.port, timeout=STEP_SECONDS)
        self.streams = LimitedStreams()

    def connect(self) -> None:
        plain = self.streams.open(self.host, self.port)
        self.sock = with_tls(plain, self.host) if self.is_tls else plain

    def close(self) -> None:
        super().close()
        self.streams.close()


class WebhookSender:
    """Sends events one by one."""

    batch_size = 1

    def __init__(self) -> None:
        url = settings.AUDIT_FEEDS.webhook
        parts = urlsplit(url)
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.connection = FeedConnection(url)

    def close(self) -> None:
        self.connection.close()

    def send(self, events: Sequence[AuditEvent]) -> None:
        """Raises OSError or HTTPException, and RefusedEvent if only this event is refused."""
        for event in events:
            body = webhook_body(event)
            headers = signed_headers(event, body)
            with self.connection.streams.limit(REQUEST_SECONDS):
                status = self.post_once(body, headers)
            if status in REFUSALS:
                raise RefusedEvent(f"refused with status {status}")
            if not 200 <= status < 300:
                raise OSError(f"the webhook answered with status {status}")

    def post_once(self, body: str, headers: dict[str, str]) -> int:
        """Returns the status of the answer. A connection that was closed is opened again."""
        was_open = self.connection.sock is not None
        try:
            return self.post(body, headers)
        except (RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            if not was_open:
                raise
        return self.post(body, headers)

    def post(self, body: str, headers: dict[str, str]) -> int:
        try:
            self.connection.request("POST", self.path, body.encode(), headers)
            answer = self.connection.getresponse()
            if len(answer.read(MAX_ANSWER_BYTES + 1)) > MAX_ANSWER_BYTES:
                self.connection.close()
            return answer.status
        except (OSError, HTTPException):
            self.connection.close()
            raise


def webhook_body(event: AuditEvent) -> str:
    time = event.at.astimezone(UTC).isoformat()
    content = {
        "type": "audit.event",
        "timestamp": time,
        "data": ocsf_event(event),
    }
    return json.dumps(content, separators=(",", ":"))


def signed_headers(event: AuditEvent, body: str) -> dict[str, str]:
    """Returns the headers of a request. The ID is the same in each attempt."""
    now = datetime.now(UTC)
    name = f"audit_{event.pk}"
    signatures = [Webhook(each).sign(name, now, body) for each in settings.AUDIT_FEEDS.secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
