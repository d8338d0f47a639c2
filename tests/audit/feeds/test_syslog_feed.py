"""The syslog of the audit feed: TLS, octet counting, in order, and sent again if nobody reads."""

import json
import socket
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from audit_settings import FeedSettings

from tests.audit.feeds.receivers import server_context, write_certificate
from tests.audit.feeds.test_delivery import make_due, seal
from users.audit.feeds import syslog_feed
from users.audit.feeds.models import Feed
from users.audit.tasks import deliver_feeds


class SyslogServer:
    """Reads all messages of each connection; a connection in `drops` is reset before that."""

    def __init__(self, certificate: Path) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = server_context(certificate)
        self.connections: list[bytes] = []
        self.drops = 0
        Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.serve(plain)
            except OSError:
                continue

    def serve(self, plain: socket.socket) -> None:
        with self.context.wrap_socket(plain, server_side=True) as stream:
            if self.drops:
                self.drops -= 1
                # With a reset instead of an end.
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return
            read = b""
            while part := stream.recv(5000):
                read += part
            self.connections.append(read)
            stream.unwrap()


@pytest.fixture
def server(db, settings, tmp_path):
    certificate = write_certificate(tmp_path / "syslog.pem")
    server = SyslogServer(certificate)
    settings.AUDIT_FEEDS = FeedSettings(
        syslog=f"tls://127.0.0.1:{server.port}",
        ca_file=str(certificate),
        allows_private=True,
    )
    deliver_feeds()
    yield server
    server.listener.close()


def messages(read: bytes) -> list[bytes]:
    """Returns the messages of a connection, by the length before each."""
    found = []
    while read:
        length, _, rest = read.partition(b" ")
        found.append(rest[: int(length)])
        read = rest[int(length) :]
    return found


def event_id(message: bytes) -> int:
    head, _, text = message.partition(b" - audit-event - ")
    assert head.startswith(b"<109>1 20")
    return int(json.loads(text)["metadata"]["uid"])


def test_batches_arrive_in_order_with_the_length_of_each_message(server, monkeypatch):
    monkeypatch.setattr(syslog_feed.SyslogSender, "batch_size", 2)
    ids = seal(3)
    deliver_feeds()
    found = [[event_id(each) for each in messages(read)] for read in server.connections]
    assert found == [ids[:2], ids[2:]]
    assert Feed.objects.get().position == 3


def test_a_batch_is_sent_again_if_the_server_resets_the_connection(server):
    server.drops = 1
    ids = seal(2)
    deliver_feeds()
    feed = Feed.objects.get()
    assert (feed.position, feed.attempts) == (0, 1)
    make_due()
    deliver_feeds()
    assert [event_id(each) for each in messages(server.connections[0])] == ids
    assert Feed.objects.get().position == 2


def test_a_server_with_an_unknown_certificate_gets_nothing(server, settings):
    settings.AUDIT_FEEDS = replace(settings.AUDIT_FEEDS, ca_file="")
    seal(1)
    deliver_feeds()
    assert "CERTIFICATE_VERIFY_FAILED" in Feed.objects.get().error
    assert not server.connections
