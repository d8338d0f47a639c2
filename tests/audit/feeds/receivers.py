"""Receivers of feeds: an HTTP server that answers as a test wants, and certificates."""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Receiver(BaseHTTPRequestHandler):
    """Stores the requests that it gets. `answers` has the status of each, and then comes 204; the
    number 0 drops the connection, and a negative one waits for so many seconds.
    """

    protocol_version = "HTTP/1.1"
    server: "ReceiverServer"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.requests.append((dict(self.headers), body))
        status = self.server.answers.pop(0) if self.server.answers else 204
        if self.headers.get("webhook-id") in self.server.refused:
            status = 400
        if status <= 0:
            time.sleep(-status)
            self.close_connection = True
            return
        self.send_response(int(status))
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(self.server.content)))
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *args):
        pass


class ReceiverServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.requests: list[tuple[dict, str]] = []
        self.answers: list[float] = []
        # The IDs of messages that are answered with 400.
        self.refused: set[str] = set()
        self.headers: dict[str, str] = {}
        self.content = b""

    @property
    def ids(self) -> list[int]:
        """The IDs of the events, in the order in which they came."""
        return [int(headers["webhook-id"].removeprefix("audit_")) for headers, _ in self.requests]


@contextmanager
def running_receiver(certificate: Path | None = None) -> Iterator[ReceiverServer]:
    server = ReceiverServer()
    if certificate:
        server.socket = server_context(certificate).wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def write_certificate(path: Path) -> Path:
    """Writes a certificate of 127.0.0.1, signed by itself, and its key into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(address, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    return path
