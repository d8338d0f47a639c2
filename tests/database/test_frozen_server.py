"""A server that hangs with open sockets, as a suspended host does: pages say so in time, and
whoever asks whether the web process lives gets an answer.
"""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.builders import make_superuser, make_user
from tests.database.outage import (
    collect_static,
    frozen_server,
    other_connections,
    signed_in,
    token,
    web_process,
)
from tests.processes import Running, until
from tests.visitor import Visitor
from users.health.probes import NO_ANSWER
from users.models import User

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.long,
]
THREADS = 4
LIMIT = 5.0  # seconds


@pytest.fixture(scope="module")
def static(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("var")
    collect_static(folder)
    return folder


@pytest.fixture
def web(tmp_path, static) -> Iterator[tuple[Running, str]]:
    """As in production, where a statement may take two seconds."""
    changes = {"DEBUG": "0", "VAR_DIR": str(static), "STATEMENT_TIMEOUT_MS": "2000"}
    with web_process(tmp_path, threads=THREADS, **changes) as (web, port):
        yield web, port


def timed(visitor: Visitor, path: str) -> tuple[int, float]:
    began = time.monotonic()
    response, _ = visitor.ask(path)
    return response.status, time.monotonic() - began


def warm(port: str, account: User, number: int = 2 * THREADS) -> list[Visitor]:
    """Visitors, after whose requests each thread keeps a connection."""
    visitors = [signed_in(port, account) for _ in range(number)]
    with ThreadPoolExecutor(number) as pool:
        for _ in range(3):
            answers = pool.map(timed, visitors, ["/users/"] * number)
            assert {status for status, _ in answers} == {200}
    return visitors


def test_a_page_says_so_in_time_and_the_first_one_afterwards_comes(web):
    visitor = warm(web[1], make_superuser())[0]
    account = make_user()
    page = visitor.ask(f"/users/{account.pk}/notes/")[1]
    with frozen_server():
        for path in ("/users/", f"/users/{account.pk}/", "/audit/", "/login/", "/readyz"):
            status, seconds = timed(visitor, path)
            assert (status, seconds < LIMIT) == (503 if path != "/login/" else status, True), path
        # Whether its thread has noticed the silence before or not.
        for _ in range(2):
            began = time.monotonic()
            found = json.loads(visitor.ask("/readyz")[1])
            assert found["status"] == "unavailable"
            assert found["database"] in {NO_ANSWER, "not reachable"}
            assert time.monotonic() - began < 2
        fields = {"text": "Called", "csrfmiddlewaretoken": token(page)}
        assert visitor.ask(f"/users/{account.pk}/notes/", fields)[0].status == 503
    for _ in range(2 * THREADS):
        assert timed(visitor, "/users/")[0] == 200


def test_many_requests_at_once_do_not_queue_behind_each_other(web):
    visitors = warm(web[1], make_superuser(), 6 * THREADS)
    # The formula in docs/scaling.md: one connection for each thread.
    assert other_connections() == THREADS
    with frozen_server(), ThreadPoolExecutor(len(visitors)) as pool:
        answers = list(pool.map(timed, visitors, ["/users/"] * len(visitors)))
    assert {status for status, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < LIMIT


def test_the_probe_answers_at_once_while_all_threads_are_held(web):
    visitors = warm(web[1], make_superuser(), 6 * THREADS)
    # A proxy keeps its connections, and a browser opens some ahead.
    kept = HTTPConnection("127.0.0.1", int(web[1]), timeout=60)
    silent = [HTTPConnection("127.0.0.1", int(web[1]), timeout=60) for _ in range(THREADS)]
    for each in silent:
        each.connect()
    with frozen_server(), ThreadPoolExecutor(len(visitors)) as pool:
        held = [pool.submit(timed, visitor, "/users/") for visitor in visitors]
        until(lambda: any(request.running() for request in held))
        for _ in range(5):
            status, seconds = timed(visitors[0], "/healthz")
            assert (status, seconds < 1) == (200, True)
            kept.request("GET", "/healthz", headers={"Host": "localhost"})
            assert kept.getresponse().read() == b"ok\n"
        assert not all(request.done() for request in held)


def test_one_503_is_one_line_of_the_log(web):
    visitor = warm(web[1], make_superuser())[0]
    before = len(web[0].said().splitlines())
    with frozen_server():
        assert timed(visitor, "/users/")[0] == 503
    lines = web[0].said().splitlines()[before:]
    assert [line for line in lines if "Service Unavailable: /users/ (ServerSilent" in line] == lines
    assert len(lines) == 1
