"""Sends events to a syslog server over TLS: RFC 5424 with octet counting, as in RFC 5425.

Syslog has no acknowledgement. The server's end of the connection stands for one: a batch counts as
sent when the server, after ours, ends the TLS session or the connection without an error.
"""

import json
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings

from users.audit.feeds.feed_policy import feed_policy
from users.audit.feeds.ocsf import ocsf_event
from users.audit.models import AuditEvent
from users.audit.tree.syslog import syslog_message
from users.outbound.streams import LimitedStreams, start_tls

DEFAULT_PORT = 6514
# For a whole batch.
BATCH_SECONDS = 15
MESSAGE_ID = "audit-event"


class SyslogSender:
    """Opens a connection for each batch."""

    batch_size = 100

    def __init__(self) -> None:
        self.policy = feed_policy()
        self.streams = LimitedStreams(self.policy)

    def close(self) -> None:
        self.streams.close()

    def send(self, events: Sequence[AuditEvent]) -> None:
        """Raises OSError unless the server has read all of them."""
        frames = b"".join(syslog_frame(event) for event in events)
        with self.streams.limit(BATCH_SECONDS):
            self.send_frames(frames)

    def send_frames(self, frames: bytes) -> None:
        target = urlsplit(settings.AUDIT_FEEDS.syslog)
        host = target.hostname or ""
        plain = self.streams.open(host, target.port or DEFAULT_PORT)
        stream = start_tls(plain, host, self.policy)
        try:
            stream.sendall(frames)
            close_stream(stream)
        finally:
            stream.close()


def syslog_frame(event: AuditEvent) -> bytes:
    text = json.dumps(ocsf_event(event), separators=(",", ":"))
    message = syslog_message(event.at, text, MESSAGE_ID)
    return b"%d %s" % (len(message), message)


def close_stream(stream: ssl.SSLSocket) -> None:
    """Ends the TLS session and waits until the server has ended it too. Raises OSError."""
    try:
        stream.unwrap()
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        # It closed the connection without a word. It has read everything before our end.
        return
