"""The time limit of connections to receivers."""

import socket
import time
from collections.abc import Iterator
from threading import Event, Thread

import pytest
from audit_settings import FeedSettings

from tests.audit.feeds.test_delivery import SECRETS, seal
from users.audit.feeds import syslog_feed, webhook
from users.audit.feeds.models import Feed
from users.audit.tasks import deliver_feeds

# The header of a TLS record of 16 KB, of which one byte comes now and then.
RECORD = b"\x16\x03\x03\x40\x00"


@pytest.fixture
def dripping_port() -> Iterator[int]:
    """Yields the port of a server that never completes the first message of TLS."""
    listener = socket.create_server(("127.0.0.1", 0))
    is_over = Event()

    def drip() -> None:
        while not is_over.is_set():
            stream, _ = listener.accept()
            with stream:
                drip_bytes(stream, is_over)

    Thread(target=drip, daemon=True).start()
    yield listener.getsockname()[1]
    is_over.set()
    listener.close()


def drip_bytes(stream: socket.socket, is_over: Event) -> None:
    until = time.monotonic() + 3  # so that a missing limit is a failure, and no hanging test
    try:
        stream.sendall(RECORD)
        while time.monotonic() < until and not is_over.wait(0.02):
            stream.sendall(b"\0")
    except OSError:
        return


@pytest.mark.sqlite
@pytest.mark.parametrize("name", ["webhook", "syslog"])
def test_a_receiver_that_sends_a_byte_now_and_then_is_given_up(
    db, settings, monkeypatch, dripping_port, name
):
    monkeypatch.setattr(webhook, "REQUEST_SECONDS", 0.2)
    monkeypatch.setattr(syslog_feed, "BATCH_SECONDS", 0.2)
    scheme = {"webhook": "https", "syslog": "tls"}[name]
    settings.AUDIT_FEEDS = FeedSettings(
        **{name: f"{scheme}://127.0.0.1:{dripping_port}"},
        secrets=SECRETS,
        allows_private=True,
    )
    deliver_feeds()
    seal(1)
    deliver_feeds()
    assert Feed.objects.get().error == "no complete response within 0.2 seconds"
