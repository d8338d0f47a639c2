"""Anchors: checkpoints reach the file, the log, syslog, a webhook, mailboxes and witnesses."""

import logging
import socket
import time
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.core import mail
from django.utils import timezone

from tests.audit.tampering import execute, forge_all
from tests.audit.tree import reference
from tests.audit.tree.logs import ORIGIN, grow, use_key
from users.audit import tasks
from users.audit.models import AuditEvent, ChainHead
from users.audit.tree.deliveries import (
    attempt_delivery,
    claim_delivery,
    deliver_newest,
    destinations,
)
from users.audit.tree.log_state import delivery_problems
from users.audit.tree.models import AnchorDelivery, LogTile, SignedCheckpoint, TreeHead
from users.audit.tree.note_lines import note_line, read_notes
from users.audit.tree.notes import COSIGNATURE, SignedNote
from users.audit.tree.signatures import SigningKey
from users.audit.tree.witness import Witness
from users.audit.tree.witness_server import WitnessServer
from users.outbound import limited_requests

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(settings, tmp_path) -> SigningKey:
    return use_key(settings, tmp_path)


class Hook(BaseHTTPRequestHandler):
    """Stores the bodies that it gets, and answers with `status`."""

    status = 204
    bodies: list[bytes] = []

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        type(self).bodies.append(self.rfile.read(length))
        self.send_response(self.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    """Returns a function that runs a server in a thread and returns its URL."""
    servers = []

    def start(server) -> str:
        servers.append(server)
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_file_and_the_log_have_the_note_beside_the_anchor(key, settings, tmp_path, caplog):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.log")
    with caplog.at_level(logging.INFO):
        grow(3)
        tasks.seal_audit_chain()
    lines = (tmp_path / "anchors.log").read_text().splitlines()
    assert [line.split(" ")[0] for line in lines] == ["audit-anchor", "audit-checkpoint"]
    note = SignedCheckpoint.objects.get().note
    assert read_notes(lines) == read_notes(caplog.text.splitlines()) == [note]
    grow(1)
    tasks.seal_audit_chain()  # ten minutes have not passed
    assert len((tmp_path / "anchors.log").read_text().splitlines()) == 2


def test_syslog_gets_each_checkpoint_with_its_length_in_front(key, settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.AUDIT_ANCHOR_SYSLOG = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        checkpoint = grow(3)
        deliver_newest()
        connection, _ = server.accept()
        with connection:
            length, _, message = connection.recv(5000).partition(b" ")
    assert int(length) == len(message)
    assert message.startswith(b"<109>1 20")
    assert read_notes([message.decode()]) == [checkpoint.note]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        settings.AUDIT_ANCHOR_SYSLOG = f"udp://127.0.0.1:{server.getsockname()[1]}"
        AnchorDelivery.objects.all().delete()
        deliver_newest()
        assert note_line(checkpoint) in server.recv(5000).decode()


def test_a_webhook_gets_the_newest_note_until_it_accepts_it(key, settings, serve):
    Hook.bodies = []
    settings.AUDIT_ANCHOR_WEBHOOK = serve(HTTPServer(("127.0.0.1", 0), Hook))
    first = grow(3)
    for status in (500, 302, 204):
        Hook.status = status
        deliver_newest()
        deliver_newest()  # claimed, or delivered
        AnchorDelivery.objects.update(tried_at=None)
    assert Hook.bodies == 3 * [first.note.encode()]
    delivery = AnchorDelivery.objects.get()
    assert (delivery.checkpoint, delivery.error, delivery.failed_at) == (first, "", None)
    deliver_newest()
    assert len(Hook.bodies) == 3
    second = grow(1)
    deliver_newest()
    assert Hook.bodies[3:] == [second.note.encode()]


class SlowHook(Hook):
    """Sends a byte of its answer now and then, without an end."""

    def do_POST(self):
        self.wfile.write(b"HTTP/1.0 204 x\r\nX: ")
        with suppress(OSError):
            for _ in range(500):
                self.wfile.write(b"x")
                time.sleep(0.02)


def test_an_answer_without_an_end_is_none(key, settings, serve, monkeypatch):
    monkeypatch.setattr(limited_requests, "WHOLE_SECONDS", 0.2)
    settings.AUDIT_ANCHOR_WEBHOOK = serve(HTTPServer(("127.0.0.1", 0), SlowHook))
    grow(1)
    started = time.monotonic()
    deliver_newest()
    assert time.monotonic() - started < 5
    assert "no whole answer" in AnchorDelivery.objects.get().error


def test_a_connection_that_is_reset_after_the_deadline_has_no_whole_answer(monkeypatch):
    def reset(*args, **kwargs):
        raise ConnectionResetError

    monkeypatch.setattr(limited_requests, "WHOLE_SECONDS", -1)
    monkeypatch.setattr(limited_requests.OPENER, "open", reset)
    with pytest.raises(TimeoutError, match="no whole answer"):
        limited_requests.post_body("http://127.0.0.1:9/", b"")
    monkeypatch.setattr(limited_requests, "WHOLE_SECONDS", 15)
    with pytest.raises(ConnectionResetError):
        limited_requests.post_body("http://127.0.0.1:9/", b"")


def test_a_late_result_does_not_replace_that_of_another_task(key, settings):
    settings.AUDIT_ANCHOR_WEBHOOK = "http://127.0.0.1:9/"
    checkpoint = grow(1)
    [destination] = destinations()
    late = claim_delivery(destination, checkpoint, timezone.now() - timedelta(minutes=2))
    claim_delivery(destination, checkpoint, timezone.now())
    attempt_delivery(destination, late, checkpoint)
    assert AnchorDelivery.objects.get().error == ""


def test_a_webhook_that_fails_for_an_hour_is_an_alarm(key, settings):
    settings.AUDIT_ANCHOR_WEBHOOK = "http://127.0.0.1:9/"
    grow(1)
    deliver_newest()
    assert "refused" in AnchorDelivery.objects.get().error.lower()
    assert delivery_problems() == ""
    AnchorDelivery.objects.update(failed_at=timezone.now() - timedelta(minutes=61))
    assert delivery_problems().startswith("webhook since ")
    settings.AUDIT_ANCHOR_WEBHOOK = ""
    deliver_newest()
    assert delivery_problems() == ""


def test_auditors_get_one_email_a_day(key, settings):
    settings.AUDIT_ANCHOR_EMAILS = ["audit@example.com", "board@example.org"]
    first = grow(1)
    deliver_newest()
    grow(1)
    AnchorDelivery.objects.update(tried_at=None)
    deliver_newest()
    assert [message.to for message in mail.outbox] == [["audit@example.com"], ["board@example.org"]]
    assert read_notes(mail.outbox[0].body.splitlines()) == [first.note]
    assert mail.outbox[0].subject == "Audit trail checkpoint: 1 event"
    AnchorDelivery.objects.update(delivered_at=timezone.now() - timedelta(hours=25))
    deliver_newest()
    assert len(mail.outbox) == 4


# --- witnesses ------------------------------------------------------------------------------------


@pytest.fixture
def witness(key, settings, tmp_path, serve) -> Witness:
    signing_key = SigningKey.generate("witness.example.com", COSIGNATURE)
    witness = Witness(signing_key, [key.verifier], tmp_path / "witness")
    url = serve(WitnessServer(("127.0.0.1", 0), witness))
    settings.AUDIT_WITNESSES = [(url, str(signing_key.verifier))]
    return witness


def deliver_again() -> AnchorDelivery:
    AnchorDelivery.objects.update(tried_at=None)
    deliver_newest()
    return AnchorDelivery.objects.get()


def test_a_witness_cosigns_what_grows(witness):
    for number in (1, 2, 300):
        checkpoint = grow(number)
        delivery = deliver_again()
        assert (delivery.error, delivery.size) == ("", checkpoint.size)
        checkpoint.refresh_from_db()
        vkey = str(witness.key.verifier).encode()
        assert reference.note_verifies(vkey, checkpoint.full_note.encode())
        assert len(SignedNote.parse(checkpoint.full_note).signatures) == 2
    assert witness.last_checkpoint(ORIGIN).size == 303


def test_a_log_that_forgot_what_the_witness_has_goes_on_from_there(witness):
    grow(3)
    deliver_newest()
    AnchorDelivery.objects.all().delete()
    checkpoint = grow(4)
    delivery = deliver_again()
    assert (delivery.error, delivery.size) == ("", checkpoint.size)


def forget_checkpoints() -> None:
    """Lets the worker sign a fork, as somebody with the key could."""
    for model in (LogTile, TreeHead, SignedCheckpoint):
        model.objects.all().delete()


def test_a_witness_refuses_a_fork_and_that_is_an_alarm_at_once(witness):
    grow(3)
    deliver_newest()
    first = AuditEvent.objects.order_by("pk")[0]
    execute("UPDATE users_auditevent SET reason = 'another' WHERE id = %s", first.pk)
    forge_all()
    forget_checkpoints()
    forked = grow(2)
    delivery = deliver_again()
    assert delivery.refused_at is not None
    assert "do not begin with the 3 that it has cosigned" in delivery.error
    assert delivery_problems().startswith("witness witness.example.com since ")
    forked.refresh_from_db()
    assert forked.cosignatures == ""
    assert witness.last_checkpoint(ORIGIN).size == 3


def test_a_witness_names_a_log_that_was_cut_off(witness):
    grow(5)
    deliver_newest()
    execute("DELETE FROM users_auditevent WHERE chain_position > 3")
    last = AuditEvent.objects.get(chain_position=3)
    ChainHead.objects.update(position=3, hash=last.chain_hash)
    forget_checkpoints()
    assert grow(0).size == 3
    assert deliver_again().error == "the witness has cosigned 5 events, and this log has 3"
    assert "witness.example.com" in delivery_problems()


def test_a_cosignature_of_another_key_is_not_stored(witness, settings):
    other = SigningKey.generate("witness.example.com", COSIGNATURE)
    [(url, _)] = settings.AUDIT_WITNESSES
    settings.AUDIT_WITNESSES = [(url, str(other.verifier))]
    checkpoint = grow(1)
    assert "wrong cosignature" in deliver_again().error
    checkpoint.refresh_from_db()
    assert checkpoint.cosignatures == ""
