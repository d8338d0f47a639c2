"""Sends one request to a URL from the settings: without redirects, with a deadline for each
answer and a limit of its length.
"""

import socket
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPSConnection
from threading import Timer
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
)

# For each part of an answer, and for all of it: a server may send a byte now and then. Two whole
# answers take less time than the claim of a destination lasts.
ANSWER_SECONDS = 5
WHOLE_SECONDS = 15
MAX_BODY_BYTES = 100_000
TEXT_TYPE = "text/plain; charset=utf-8"


class Reply(NamedTuple):
    status: int
    content_type: str
    body: bytes


class NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args, **kwargs) -> None:
        return None


def open_limited_socket(*args: Any, **kwargs: Any) -> socket.socket:
    """Connects as socket.create_connection does, for WHOLE_SECONDS."""
    connected = socket.create_connection(*args, **kwargs)
    # TLS takes the socket itself over.
    timer = Timer(WHOLE_SECONDS, end_connection, [connected.dup()])
    timer.daemon = True
    timer.start()
    return connected


def end_connection(connected: socket.socket) -> None:
    """Ends a connection, so that whoever reads from it stops."""
    with connected, suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


class LimitedConnection(HTTPConnection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._create_connection = open_limited_socket


class LimitedTlsConnection(HTTPSConnection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._create_connection = open_limited_socket


class LimitedHandler(HTTPHandler):
    def http_open(self, req: Request) -> Any:
        return self.do_open(LimitedConnection, req)


class LimitedTlsHandler(HTTPSHandler):
    def https_open(self, req: Request) -> Any:
        return self.do_open(LimitedTlsConnection, req)


# Proxies of the environment are ignored: one could withhold checkpoints of the audit trail.
OPENER = build_opener(NoRedirects, ProxyHandler({}), LimitedHandler, LimitedTlsHandler)


def post_body(url: str, body: bytes) -> Reply:
    """Returns the answer to a POST of text, whatever its status. Raises OSError or HTTPException
    without an answer.
    """
    deadline = time.monotonic() + WHOLE_SECONDS
    try:
        reply = request_reply(url, body)
    except OSError:
        # A byte that comes after the end of a connection resets it, so that this may be the
        # error of an answer that took too long.
        raise_if_late(deadline)
        raise
    raise_if_late(deadline)
    return reply


def request_reply(url: str, body: bytes) -> Reply:
    headers = {"Content-Type": TEXT_TYPE, "User-Agent": "Rollcall"}
    request = Request(url, body, headers)  # noqa: S310  the settings allow http and https alone
    try:
        answer = OPENER.open(request, timeout=ANSWER_SECONDS)
    except HTTPError as error:
        answer = error
    except URLError as error:
        # Its own text is that of an exception in an exception.
        raise OSError(f"no connection: {error.reason}") from error
    with answer:
        content_type = answer.headers.get("Content-Type", "")
        content = answer.read(MAX_BODY_BYTES)
    return Reply(answer.status, content_type, content)


def raise_if_late(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError(f"no whole answer within {WHOLE_SECONDS} seconds")
