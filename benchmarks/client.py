"""An HTTP client that uses little CPU time, which it shares with the servers."""

import gzip
import re
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import brotli

# Seconds after which a connection is reopened: the server closes it after 5.
MAX_IDLE = 3
# Seconds until a request is given up.
TIMEOUT = 120
# The status of a request without an answer.
NOT_ANSWERED = 0
DECOMPRESS = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}


@dataclass(frozen=True)
class Answer:
    """An HTTP response. `seconds` are from the first byte sent to the last one received; `headers`
    have lower-case names; `body` may be compressed.
    """

    seconds: float
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def outcome(self) -> str:
        """Returns how Rollcall served the page: hit, miss, shared or bypassed; "" if unknown."""
        found = re.search(r'page;desc="([^"]*)"', self.headers.get("server-timing", ""))
        return found[1] if found else ""

    @property
    def page(self) -> str:
        return DECOMPRESS[self.headers.get("content-encoding", "")](self.body).decode()


class Connection:
    """A kept-alive connection. Opening it raises OSError if no server listens."""

    def __init__(self, port: int, cookies: str):
        self.port = port
        self.cookies = cookies
        self.open()

    def open(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.used = time.monotonic()

    def close(self) -> None:
        self.socket.close()

    def get(self, path: str) -> Answer:
        return self.request(f"GET {path} HTTP/1.1\r\n{self.head}\r\n".encode())

    def post(self, path: str, fields: list[tuple[str, str]]) -> Answer:
        body = urlencode(fields)
        head = self.head + "Content-Type: application/x-www-form-urlencoded\r\n"
        head += f"Content-Length: {len(body)}\r\n"
        return self.request(f"POST {path} HTTP/1.1\r\n{head}\r\n{body}".encode())

    @property
    def head(self) -> str:
        return f"Host: localhost\r\nAccept-Encoding: br, gzip\r\nCookie: {self.cookies}\r\n"

    def request(self, message: bytes) -> Answer:
        if time.monotonic() - self.used > MAX_IDLE:
            self.reopen()
        try:
            return self.exchange(message)
        except ConnectionError:
            # The worker has served its 20,000 requests and restarted since the last one.
            return self.retry(message)
        except TimeoutError:
            return Answer(TIMEOUT, NOT_ANSWERED, {}, b"")

    def retry(self, message: bytes) -> Answer:
        begin = time.perf_counter()
        try:
            self.reopen()
            return self.exchange(message)
        except OSError:
            return Answer(time.perf_counter() - begin, NOT_ANSWERED, {}, b"")

    def reopen(self) -> None:
        self.close()
        self.open()

    def exchange(self, message: bytes) -> Answer:
        begin = time.perf_counter()
        self.socket.sendall(message)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self.receive()
        head, _, start = received.partition(b"\r\n\r\n")
        status, headers = parse_head(head)
        parts = [start]
        missing = int(headers["content-length"]) - len(start)
        while missing > 0:
            parts.append(self.receive())
            missing -= len(parts[-1])
        seconds = time.perf_counter() - begin
        self.used = time.monotonic()
        if headers.get("connection") == "close":
            self.reopen()
        return Answer(seconds, status, headers, b"".join(parts))

    def receive(self) -> bytes:
        if not (data := self.socket.recv(1 << 18)):
            raise ConnectionResetError("The server closed the connection.")
        return data


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Returns the status and the headers of a response."""
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, value = line.split(": ", 1)
        headers[name.lower()] = value
    return int(first.split()[1]), headers
