"""Posts to one URL over a persistent connection: without redirects or a proxy, with limits for the
time of a request and the length of a response.
"""

import socket
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse, RemoteDisconnected
from typing import NamedTuple
from urllib.parse import urlsplit

from users.outbound.addresses import AddressPolicy
from users.outbound.streams import STEP_SECONDS, LimitedStreams, start_tls

# The receiver has read the message and rejects it.
REFUSALS = {400, 413, 415, 422}
USER_AGENT = "Rollcall"
MAX_ANSWER_BYTES = 4096
# What is kept of the head of an answer. Other headers, and the body, may repeat what was sent.
KEPT_HEADERS = ("Content-Type", "Content-Length", "Location", "Retry-After", "Server")
HEADER_MAX = 80
CLOSED_ERRORS = (RemoteDisconnected, BrokenPipeError, ConnectionResetError)


class PostAnswer(NamedTuple):
    """The answer to a request. `head`: its first line and some of its headers."""

    status: int
    milliseconds: int
    head: str
    retry_after: str
    body: bytes


class ReceiverConnection(HTTPConnection):
    """A connection for several requests."""

    def __init__(self, url: str, policy: AddressPolicy) -> None:
        parts = urlsplit(url)
        self.is_tls = parts.scheme == "https"
        self.default_port = 443 if self.is_tls else 80
        super().__init__(parts.hostname or "", parts.port, timeout=STEP_SECONDS)
        self.policy = policy
        self.streams = LimitedStreams(policy)

    def connect(self) -> None:
        plain = self.streams.open(self.host, self.port)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = start_tls(plain, self.host, self.policy) if self.is_tls else plain

    def close(self) -> None:
        super().close()
        self.streams.close()


class HttpSender:
    """Sends requests to one URL, one at a time."""

    def __init__(self, url: str, policy: AddressPolicy) -> None:
        parts = urlsplit(url)
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.connection = ReceiverConnection(url, policy)

    def close(self) -> None:
        self.connection.close()

    def post(self, body: str, headers: dict[str, str], seconds: float) -> PostAnswer:
        """Returns the answer, whatever its status. Raises OSError or HTTPException without one."""
        started = time.monotonic()
        with self.connection.streams.limit(seconds):
            answer, content = self.post_once(body, headers)
        return PostAnswer(
            status=answer.status,
            milliseconds=int(1000 * (time.monotonic() - started)),
            head=answer_head(answer),
            retry_after=answer.headers.get("Retry-After", ""),
            body=content,
        )

    def post_once(self, body: str, headers: dict[str, str]) -> tuple[HTTPResponse, bytes]:
        """Returns answer and content. A connection that was closed is opened again."""
        was_open = self.connection.sock is not None
        try:
            return self.exchange(body, headers)
        except CLOSED_ERRORS:
            if not was_open:
                raise
        return self.exchange(body, headers)

    def exchange(self, body: str, headers: dict[str, str]) -> tuple[HTTPResponse, bytes]:
        try:
            self.connection.request("POST", self.path, body.encode(), headers)
            answer = self.connection.getresponse()
            content = answer.read(MAX_ANSWER_BYTES + 1)
            if len(content) > MAX_ANSWER_BYTES:
                self.connection.close()
            return answer, content[:MAX_ANSWER_BYTES]
        except (OSError, HTTPException):
            self.connection.close()
            raise


def answer_head(answer: HTTPResponse) -> str:
    """Returns the first line and the kept headers, in visible ASCII."""
    lines = [f"HTTP {answer.status} {answer.reason[:HEADER_MAX]}"]
    given = [(name, answer.headers.get(name)) for name in KEPT_HEADERS]
    lines += [f"{name}: {value[:HEADER_MAX]}" for name, value in given if value]
    visible = (line.encode("ascii", "replace").decode() for line in lines)
    return "\n".join("".join(filter(str.isprintable, line)) for line in visible)
