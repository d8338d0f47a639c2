"""The heap of a web process, and bodies that no view reads."""

import platform
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

from users.health import web_worker
from users.health.web_worker import UNREAD_BYTES, discard_unread_body

pytestmark = pytest.mark.sqlite  # no database
# Three threads that hold memory at the same time; malloc_stats prints each arena to stderr.
THREADS = """
import ctypes, threading
from users.health.web_worker import limit_arenas
if {limited}: limit_arenas()
held, barrier = [], threading.Barrier(3)
def hold():
    barrier.wait()
    held.append(bytes(5000))
    barrier.wait()
threads = [threading.Thread(target=hold) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
ctypes.CDLL(None).malloc_stats()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc has arenas")
@pytest.mark.parametrize("limited", [True, False])
def test_threads_share_one_heap(limited):
    code = THREADS.format(limited=limited)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stderr.count("Arena ") == 1) is limited


@pytest.mark.parametrize(("size", "reused"), [(9_000_000, True), (UNREAD_BYTES + 100_000, False)])
def test_a_body_that_no_view_reads_is_received_up_to_a_limit(size, reused):
    server, client = socket.socketpair()
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()
    with ThreadPoolExecutor(1) as pool, client:
        sending = pool.submit(client.sendall, head + bytes(size))
        with server:
            parser = RequestParser(Config(), server, ("127.0.0.1", 1))
            request = next(parser)
            environ = {"wsgi.input": request.body, "gunicorn.socket": server}
            discard_unread_body(environ, SimpleNamespace(should_close=lambda: False))
            assert parser.finish_body(deadline=time.monotonic() + 5) is reused
    if reused:
        assert sending.exception() is None


@pytest.mark.parametrize("response", [None, SimpleNamespace(should_close=lambda: True)])
def test_of_a_connection_that_is_closed_nothing_more_is_received(response):
    discard_unread_body({}, response)


def test_a_client_that_stalls_does_not_hold_the_thread(monkeypatch):
    monkeypatch.setattr(web_worker, "UNREAD_SECONDS", 0.2)
    server, client = socket.socketpair()
    with client, server:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1234")
        parser = RequestParser(Config(), server, ("127.0.0.1", 1))
        environ = {"wsgi.input": next(parser).body, "gunicorn.socket": server}
        discard_unread_body(environ, SimpleNamespace(should_close=lambda: False))
        assert parser.finish_body(deadline=time.monotonic() + 5) is False
