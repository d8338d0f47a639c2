"""The worker class of gunicorn's processes: threads, and one more that answers /healthz alone.

Whatever holds the threads (a server that hangs, slow queries of many people), an orchestrator
learns that the process lives, and does not kill it.

A hook of gunicorn receives what a view has not read, so that a proxy gets the response to a large
request.

The worker also keeps the heap in one piece. glibc gives each thread an arena of its own, and cached
pages come and go in pieces of a kilobyte or two, whose gaps only the same arena can fill again.
"""

import ctypes
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import TConn, ThreadWorker

HEALTH_REQUESTS = (b"GET /healthz ", b"HEAD /healthz ")
# Limits on discarding a body that the view did not read. A proxy that buffers has all of it
# already.
UNREAD_SECONDS = 5.0
UNREAD_BYTES = 64 * 1024 * 1024
READ_BYTES = 64 * 1024
# The parameter of mallopt that limits the number of arenas (malloc.h).
M_ARENA_MAX = -8


class WebWorker(ThreadWorker):
    """Looks at the first bytes of each request before it takes a thread for it. So a connection
    that says nothing, such as a browser opens ahead, takes none either.
    """

    def init_process(self) -> None:
        self.health_pool = ThreadPoolExecutor(max_workers=1)
        limit_arenas()
        super().init_process()

    def enqueue_req(self, conn: TConn) -> None:
        begin = first_bytes(conn.sock)
        if not begin and not conn.initialized and not conn.data_ready:
            self.wait_for_request(conn)
            return
        pool = self.health_pool if begin.startswith(HEALTH_REQUESTS) else self.tpool
        done = pool.submit(self.handle, conn)
        done.add_done_callback(lambda it: self.method_queue.defer(self.finish_request, conn, it))

    def wait_for_request(self, conn: TConn) -> None:
        """Puts a new connection among those that gunicorn watches until a request comes."""
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        callback = partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, EVENT_READ, callback)


def discard_unread_body(environ: dict[str, Any], response: Any) -> None:
    """Receives the rest of a body that the view did not read, if the connection is used again.

    Gunicorn itself receives 64 KB, and then closes the connection. A proxy that is still sending
    meets a reset, and answers with 502 in place of the response.
    """
    if response is None or response.should_close():
        return
    body = environ["wsgi.input"]
    client = environ["gunicorn.socket"]
    deadline = time.monotonic() + UNREAD_SECONDS
    left = UNREAD_BYTES
    # Gunicorn closes the connection after an error.
    with suppress(OSError, ParseException):
        while left > 0 and (seconds := deadline - time.monotonic()) > 0:
            client.settimeout(seconds)
            received = body.read(min(READ_BYTES, left))
            if not received:
                break
            left -= len(received)
    client.settimeout(None)


def limit_arenas() -> bool:
    """Lets the threads of this process, which has none yet, share one heap. Python's lock keeps
    them from waiting for it. Returns False with a C library other than glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(M_ARENA_MAX, 1))


def first_bytes(client: Any) -> bytes:
    """Returns the first bytes that have arrived and were not read, enough to tell the path; b"" if
    there are none. They stay unread.
    """
    try:
        return client.recv(max(map(len, HEALTH_REQUESTS)), socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return b""
