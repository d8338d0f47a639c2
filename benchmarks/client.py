"""A client that costs next to nothing: the two cores belong to the servers."""

import gzip
import re
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import brotli

# Seconds after which a connection is opened anew: the server closes it after 5.
IDLE = 3
# Seconds for an answer.
PATIENCE = 120
NOT_ANSWERED = 0
UNPACK = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}


@dataclass(frozen=True)
class Answer:
    """An answer. `seconds` from the first byte sent to the last one received. `headers` have
    lower-case names. `body` is as sent.
    """

    seconds: float
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def outcome(self) -> str:
        """How Rollcall came by the page: hit, miss, shared or passed by; "" if it does not say."""
        found = re.search(r'page;desc="([^"]*)"', self.headers.get("server-timing", ""))
        return found[1] if found else ""

    @property
    def page(self) -> str:
        return UNPACK[self.headers.get("content-encoding", "")](self.body).decode()


class Connection:
    """One kept-alive connection. Raises OSError if nobody listens; a request without an answer has
    the status 0.
    """

    def __init__(self, port: int, cookies: str):
        self.port = port
        self.cookies = cookies
        self.open()

    def open(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.used = time.monotonic()

    def close(self) -> None:
        self.socket.close()

    def get(self, path: str) -> Answer:
        return self.request(f"GET {path} HTTP/1.1\r\n{self.head}\r\n".encode())

    def post(self, path: str, fields: list[tuple[str, str]]) -> Answer:
        body = urlencode(fields)
        kind = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        return self.request(f"POST {path} HTTP/1.1\r\n{self.head}{kind}\r\n{body}".encode())

    @property
    def head(self) -> str:
        return f"Host: localhost\r\nAccept-Encoding: br, gzip\r\nCookie: {self.cookies}\r\n"

    def request(self, message: bytes) -> Answer:
        if time.monotonic() - self.used > IDLE:
            self.reopen()
        try:
            return self.exchange(message)
        except ConnectionError:
            # A worker that had served its 20,000 requests ended between two of ours.
            return self.once_more(message)
        except TimeoutError:
            return Answer(PATIENCE, NOT_ANSWERED, {}, b"")

    def once_more(self, message: bytes) -> Answer:
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
        status, headers = parse(head)
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


def parse(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    return int(first.split()[1]), {name.lower(): value for name, value in pairs}
