"""Serves a witness over HTTP, for manage.py audit_witness."""

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from users.audit.tree.notes import NOTE_TYPE
from users.audit.tree.witness import NOT_FOUND, Witness
from users.outbound.limited_requests import MAX_BODY_BYTES, Reply

CHECKPOINT_PATH = re.compile(r"/([0-9a-f]{64})/checkpoint")
CLIENT_SECONDS = 10


class WitnessServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        super().__init__(address, WitnessHandler)
        self.witness = witness


class WitnessHandler(BaseHTTPRequestHandler):
    server: WitnessServer
    protocol_version = "HTTP/1.1"
    timeout = CLIENT_SECONDS

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            # What follows is not read, so the connection can't be used again.
            self.close_connection = True
            self.send_reply(Reply(413, NOTE_TYPE, b"too large\n"))
            return
        body = self.rfile.read(int(length))
        if self.path == "/add-checkpoint":
            self.send_reply(self.server.witness.add_checkpoint(body))
        else:
            self.send_reply(Reply(NOT_FOUND, NOTE_TYPE, b"not found\n"))

    def do_GET(self) -> None:
        match = CHECKPOINT_PATH.fullmatch(self.path)
        note = self.server.witness.stored_note(match[1]) if match else ""
        status = 200 if note else NOT_FOUND
        self.send_reply(Reply(status, NOTE_TYPE, (note or "not found\n").encode()))

    def send_reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing: requests of logs are routine."""
