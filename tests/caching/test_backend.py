"""The cache alias `pages` before a real Redis that fails in every way: nothing raises, hardly
anything waits.
"""

import logging
import os
import pickle
import runpy
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from django.core.cache import caches
from django_redis.pool import ConnectionFactory
from redis.connection import AbstractConnection

import settings as production
from tests import servers
from tests.builders import PASSWORD, make_superuser, make_user
from tests.pages import read
from tests.threads import at_once
from users.caching import backend
from users.caching.backend import (
    BREAKER_SECONDS,
    MEMORY_BYTES,
    MEMORY_SECONDS,
    PageCache,
    ProcessMemory,
)
from users.caching.fragments import FRAGMENT_MEMORY as MEMORY_OF_PIECES

pytestmark = pytest.mark.postgresql  # of Redis, and not of the database

NOT_READY = "not reachable, or not storing values"
# Seconds that a server is waited for where it is silent in a test, and where it is not. Both are
# more than the site's own, so that a machine with much to do is not taken for a silent server.
SILENCE = 2.0
PATIENCE = 30.0


class Server:
    """A Redis that can be hurt. It keeps its port when it is started again."""

    def __init__(self, folder: Path, stack: ExitStack):
        self.folder = folder
        self.stack = stack
        self.port = servers.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.direct = redis.Redis.from_url(self.url)
        self.process: subprocess.Popen
        stack.callback(self.direct.close)
        self.start()

    def start(self) -> None:
        command = [
            servers.redis_program(),
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        running = servers.running(
            command, stop=signal.SIGKILL, cwd=self.folder, stdout=subprocess.DEVNULL
        )
        self.process = self.stack.enter_context(running)
        servers.until(self.direct.ping, redis.ConnectionError, self.process, "Redis")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)
        assert self.direct.ping()

    def fill_up(self) -> None:
        self.direct.config_set("maxmemory-policy", "noeviction")
        self.direct.config_set("maxmemory", 1)

    def empty_out(self) -> None:
        self.direct.config_set("maxmemory", 0)

    def follow(self) -> None:
        self.direct.replicaof(
            "127.0.0.1", "1"
        )  # nobody listens there; what it has it goes on to show

    def lead(self) -> None:
        self.direct.replicaof("NO", "ONE")


FAULTS = {
    "refused": (Server.kill, Server.start),
    "silent": (Server.freeze, Server.thaw),
    "full": (Server.fill_up, Server.empty_out),
    "read-only": (Server.follow, Server.lead),
}
AWAY = ("refused", "silent")


class Counted:
    """Django-redis's cache; every call of it is counted, by name, and so is every socket that is
    opened.
    """

    def __init__(self, inner: Any):
        self.inner = inner
        self.calls = Counter()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        if not callable(method):
            return method

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            return method(*args, **kwargs)

        return call


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    with ExitStack() as stack:
        server = Server(tmp_path, stack)
        yield server
        backend.PROCESS_STATE.pop(server.url, None)
        if pool := ConnectionFactory._pools.pop(server.url, None):
            pool.disconnect()


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """The module's clock stands still until a test sets `clock.now`."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(backend, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def configuration(request, server, monkeypatch) -> dict[str, Any]:
    """The alias as the site's settings make it of REDIS_URL, but for its patience."""
    seconds = SILENCE if "silen" in request.node.name else PATIENCE
    monkeypatch.setenv("REDIS_URL", server.url)
    made = runpy.run_path(production.__file__)["CACHES"]["pages"]
    return made | {
        "OPTIONS": made["OPTIONS"] | {"SOCKET_CONNECT_TIMEOUT": seconds, "SOCKET_TIMEOUT": seconds}
    }


@pytest.fixture
def make(configuration):
    """Another cache object of the same process, as each of its threads has one."""

    def make() -> PageCache:
        params = {
            name: value
            for name, value in configuration.items()
            if name not in ("BACKEND", "LOCATION")
        }
        pages = PageCache(configuration["LOCATION"], params)
        pages.redis = Counted(pages.redis)
        return pages

    return make


@pytest.fixture
def pages(make) -> PageCache:
    return make()


@pytest.fixture
def sockets(monkeypatch) -> list[Any]:
    """Every attempt to open a socket to Redis."""
    opened: list[Any] = []
    connect = AbstractConnection.connect_check_health

    def noted(self, *args: Any, **kwargs: Any) -> Any:
        if not self._sock:
            opened.append(self)
        return connect(self, *args, **kwargs)

    monkeypatch.setattr(AbstractConnection, "connect_check_health", noted)
    return opened


def forget(pages: PageCache) -> None:
    """What the process remembers; Redis keeps it."""
    pages.near.clear()
    MEMORY_OF_PIECES.clear()


def calls(pages: PageCache) -> int:
    return pages.redis.calls.total()


def use_all(pages: PageCache) -> None:
    """Everything that pages, rows and sessions do with a cache. Nobody relies on what comes of it."""
    pages.get("one")
    pages.get("one", "default")
    pages.get_many(["one", "two"])
    pages.set("one", 1, 60)
    pages.set_many({"two": 2, "three": "3"}, 60)
    pages.add("lock", True, 5)
    pages.has_key("two")
    pages.delete("one")
    pages.clear()


# --- while all is well ----------------------------------------------------------------------------


@pytest.mark.usefixtures("server")
def test_it_is_a_cache(pages):
    assert pages.get("one") is None
    assert pages.get("one", "default") == "default"
    pages.set("one", {"a": [1]}, 60)
    assert pages.set_many({"two": 2, "none": None}, 60) == []
    for _ in range(2):  # from memory, and from Redis
        assert pages.get("one") == {"a": [1]}
        assert pages.get("none", "default") is None
        assert pages.get_many(["one", "two", "three"]) == {"one": {"a": [1]}, "two": 2}
        assert pages.has_key("two")
        assert not pages.has_key("three")
        forget(pages)
    assert pages.delete("one")
    assert not pages.delete("one")
    assert not pages.has_key("one")
    assert pages.trouble() == ""


def test_writes_that_belong_together_reach_redis_at_once(pages, server):
    pages.set("gone", 1, 60)
    before = pages.redis.calls.copy()
    with pages.together():
        pages.set("one", 1, 60)
        pages.set_many({"two": 2, "three": 3}, 60)
        assert pages.delete("gone")
        # It sees its own writes; Redis has got none of them yet.
        assert (pages.get("one"), pages.get("gone")) == (1, 1)
    assert pages.redis.calls - before == {"get": 1}
    assert not server.direct.exists(pages.make_key("one"))
    pages.close()
    assert pages.unsent == []
    forget(pages)
    assert pages.get_many(["one", "two", "three", "gone"]) == {"one": 1, "two": 2, "three": 3}
    assert 50_000 < server.direct.pttl(pages.make_key("one")) <= 60_000


def test_a_block_within_another_sends_its_own_as_it_is_then(pages, server):
    value = ["one"]
    with pages.together():
        pages.set("outer", value, 60)
        with pages.together():
            pages.set("inner", value, 60)
        assert pages.unsent == []
        value.append("two")
        assert server.direct.exists(pages.make_key("inner"), pages.make_key("outer")) == 1
    value.append(lambda: "nothing that can be packed")
    pages.close()
    forget(pages)
    assert pages.get_many(["inner", "outer"]) == {"inner": ["one"], "outer": ["one", "two"]}
    assert pages.trouble() == ""


def test_what_was_written_before_an_error_is_written(pages):
    def build() -> None:
        with pages.together():
            pages.set("one", 1, 60)
            raise ValueError("of the page")

    with pytest.raises(ValueError, match="of the page"):
        build()
    forget(pages)
    assert pages.get("one") == 1


def test_a_redis_that_is_gone_when_the_page_is_sent_costs_the_page_its_place_alone(pages, server):
    with pages.together():
        pages.set("one", 1, 60)
    server.kill()
    pages.close()
    assert pages.trouble() == "ConnectionError"
    assert pages.get("one") == 1


def test_who_finds_nothing_holds_the_lock_for_the_process_with_the_same_question(
    make, server, monkeypatch
):
    first = make()
    second = make()
    before = first.redis.calls.copy()
    with first.claiming("lock"):
        assert first.get("page") is None
        assert 0 < server.direct.pttl(first.make_key("lock")) <= 5_000
        assert first.claimed()
        assert first.get("other") is None  # one alone
        assert server.direct.dbsize() == 1
    for boot, own in ((backend.BOOT_ID, True), ("another process", False)):
        monkeypatch.setattr(backend, "BOOT_ID", boot)
        with second.claiming("lock"):
            assert second.get("page") is None
            assert second.claimed() is own
    assert first.redis.calls - before == {"get": 1}


def test_who_finds_something_takes_no_lock_until_something_is_missing(pages, server):
    pages.set("heads", ["Cookie"], 60)
    forget(pages)
    with pages.claiming("lock"):
        assert pages.get("heads") == ["Cookie"]
        assert not server.direct.exists(pages.make_key("lock"))
        assert pages.get("page") is None
        assert server.direct.exists(pages.make_key("lock"))
    with pages.claiming("another"):
        assert pages.claimed()  # without a question before nobody is known to hold it


@pytest.mark.parametrize("fault", FAULTS)
def test_without_a_lock_everybody_is_the_first_and_who_can_read_reads(pages, server, clock, fault):
    hurt, heal = FAULTS[fault]
    pages.set("one", 1, 60)
    forget(pages)
    hurt(server)
    try:
        for _ in range(2):
            with pages.claiming("lock"):
                assert pages.get("nothing") is None
                assert pages.claimed()
                assert pages.get("one") == (None if fault in AWAY else 1)
    finally:
        heal(server)
    clock.now += BREAKER_SECONDS
    with pages.claiming("lock"):
        assert pages.get("nothing") is None
        assert pages.claimed()
    assert server.direct.exists(pages.make_key("lock"))
    assert pages.trouble() == ""


def test_what_it_is_given_lasts_as_long_as_was_said(pages, server, clock):
    pages.set("one", 1, 60)
    assert 50_000 < server.direct.pttl(pages.make_key("one")) <= 60_000
    server.direct.flushall()
    clock.now += 59
    assert pages.get("one") == 1
    clock.now += 1
    assert pages.get("one") is None


def test_add_asks_redis_alone(make):
    first = make()
    second = make()
    assert first.add("lock", True, 5)
    assert not first.add("lock", True, 5)
    assert not second.add("lock", True, 5)
    assert first.near.items == {}
    first.delete("lock")
    assert second.add("lock", True, 5)


def test_add_sees_what_another_process_has_taken(pages, server):
    server.direct.set(pages.make_key("lock"), 1)
    assert not pages.add("lock", True, 5)


def test_two_releases_share_a_server_and_no_entry(pages, configuration):
    pages.set("one", 1, 60)
    other = PageCache(
        configuration["LOCATION"], {"KEY_PREFIX": "another", "OPTIONS": configuration["OPTIONS"]}
    )
    assert other.get("one") is None


# --- the memory of the process --------------------------------------------------------------------


def test_what_was_read_once_is_asked_for_again_after_some_seconds(pages, clock):
    pages.set_many({"one": 1, "two": 2}, 60)
    forget(pages)
    assert (pages.get("one"), pages.get("one")) == (1, 1)
    assert pages.get_many(["one", "two"]) == {"one": 1, "two": 2}
    before = calls(pages)
    assert before == 3
    clock.now += MEMORY_SECONDS - 0.001
    assert (pages.get("one"), pages.get_many(["two", "one"])) == (1, {"one": 1, "two": 2})
    assert calls(pages) == before
    clock.now += 0.001
    assert (pages.get("one"), pages.get_many(["one", "two"])) == (1, {"one": 1, "two": 2})
    assert calls(pages) == before + 2


def test_only_what_is_not_remembered_is_asked_for(pages, monkeypatch):
    pages.set_many({"one": 1, "two": 2}, 60)
    pages.near.forget(pages.make_key("two"))
    asked = []
    monkeypatch.setattr(
        pages.redis.inner, "get_many", lambda keys, version: asked.append(keys) or {"two": 2}
    )
    assert pages.get_many(["one", "two"]) == {"one": 1, "two": 2}
    assert asked == [["two"]]


def test_all_threads_of_a_process_remember_together(make):
    def work(number: int) -> dict[str, Any]:
        mine = make()
        mine.set(f"of {number}", number, 60)
        assert mine.get(f"of {number}") == number
        return {"near": mine.near, "reading": mine.reading, "writing": mine.writing}

    states = at_once(*[lambda number=number: work(number) for number in range(8)])
    assert all(state == states[0] for state in states), states
    late = make()
    assert late.get_many([f"of {number}" for number in range(8)]) == {
        f"of {number}": number for number in range(8)
    }
    assert calls(late) == 0


def test_nobody_gets_the_object_of_another(pages):
    pages.set("one", ["a"], 60)
    pages.get("one").append("b")
    assert pages.get("one") == ["a"]


def test_what_is_deleted_is_forgotten_here_too(make):
    first = make()
    second = make()
    first.set("one", 1, 60)
    second.delete("one")
    assert first.get("one") is None
    first.set("one", 1, 60)
    second.clear()
    assert first.get("one") is None


def test_memory_stays_under_its_limit_and_keeps_the_newest():
    near = ProcessMemory(limit=1000)
    for number in range(100):
        near.put(str(number), b"x" * 100, 60)
        assert near.size == sum(len(value) for _, value in near.items.values()) <= 1000
    assert list(near.items) == [str(number) for number in range(90, 100)]
    near.put("95", b"short", 60)
    assert near.size == 905
    assert list(near.items)[-1] == "95"
    near.forget("95")
    assert near.size == 900
    near.clear()
    assert (near.size, len(near.items)) == (0, 0)


def test_a_big_value_is_not_remembered_and_takes_the_small_one_of_its_name_with_it(pages):
    pages.set("page", "small", 60)
    big = os.urandom(MEMORY_BYTES // 8)
    pages.set("page", big, 60)
    assert pages.near.get(pages.make_key("page")) is None
    assert pages.near.size == 0
    assert pages.get("page") == big
    assert pages.redis.calls["get"] == 1


def test_what_has_expired_leaves_memory_when_it_is_asked_for(clock):
    near = ProcessMemory()
    near.put("one", b"1234", 5)
    clock.now += 5
    assert near.get("one") is None
    assert near.size == 0


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_raises_and_afterwards_all_is_as_before(make, pages, server, clock, fault):
    hurt, heal = FAULTS[fault]
    pages.set_many({"one": 1, "two": 2}, 60)
    hurt(server)
    use_all(pages)
    assert pages.trouble()
    clock.now += BREAKER_SECONDS
    use_all(make())  # it is tried, and it is not better
    assert pages.trouble()
    heal(server)
    clock.now += BREAKER_SECONDS
    use_all(pages)
    assert pages.trouble() == ""
    pages.set("one", 1, 60)
    forget(pages)
    assert pages.get("one") == 1


@pytest.mark.parametrize("fault", AWAY)
def test_one_attempt_and_then_nobody_asks_for_some_seconds(pages, server, clock, sockets, fault):
    assert pages.get("one") is None
    FAULTS[fault][0](server)
    assert pages.get("one") is None
    spent = calls(pages)
    opened = len(sockets)
    assert pages.reading.open
    for after in (0, BREAKER_SECONDS / 2, BREAKER_SECONDS / 2 - 0.001):
        clock.now += after
        use_all(pages)
    assert (calls(pages), len(sockets)) == (spent, opened)
    clock.now += 0.002
    assert pages.get("one") is None
    assert calls(pages) == spent + 1
    use_all(pages)
    assert calls(pages) == spent + 1


def test_a_silent_server_is_waited_for_once(pages, server, sockets, monkeypatch):
    """Neither is the request sent again, nor on another connection."""
    pages.get("one")
    waited = []
    read_response = AbstractConnection.read_response

    def noted(self, *args: Any, **kwargs: Any) -> Any:
        waited.append(self)
        return read_response(self, *args, **kwargs)

    server.freeze()
    opened = len(sockets)
    monkeypatch.setattr(AbstractConnection, "read_response", noted)
    assert pages.get("one") is None
    assert pages.trouble() == "TimeoutError"
    assert (len(waited), len(sockets)) == (1, opened)


def test_a_write_that_meets_silence_spares_the_reads(pages, server):
    pages.get("one")
    server.freeze()
    pages.set("one", 1, 60)
    assert pages.reading.open
    before = calls(pages)
    assert pages.get("two") is None
    assert calls(pages) == before


@pytest.mark.parametrize("fault", AWAY)
def test_what_a_process_has_made_itself_it_still_has(pages, server, clock, fault):
    FAULTS[fault][0](server)
    pages.set("one", 1, 60)
    pages.set_many({"two": 2}, 60)
    clock.now += MEMORY_SECONDS + 1
    assert pages.get_many(["one", "two"]) == {"one": 1, "two": 2}
    assert pages.add("lock", True, 5)  # without Redis everybody is the first
    assert pages.add("lock", True, 5)


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_server_that_takes_nothing_still_answers(pages, server, clock, fault):
    hurt, heal = FAULTS[fault]
    pages.set_many({"one": 1, "two": 2}, 60)
    hurt(server)
    pages.set("three", 3, 60)
    assert (pages.writing.open, pages.reading.open) == (True, False)
    before = pages.redis.calls.copy()
    for _ in range(3):
        forget(pages)
        assert pages.get("one") == 1
        assert pages.get_many(["one", "two", "four"]) == {"one": 1, "two": 2}
        pages.set("three", 3, 60)
        pages.set_many({"four": 4}, 60)
        pages.add("lock", True, 5)
        pages.delete("one")
    assert pages.redis.calls - before == {"get": 3, "get_many": 3}
    clock.now += BREAKER_SECONDS
    pages.set("three", 3, 60)
    pages.set("four", 4, 60)
    assert (pages.redis.calls - before)["set"] == 1
    heal(server)
    clock.now += BREAKER_SECONDS
    pages.set("three", 3, 60)
    assert pages.trouble() == ""
    forget(pages)
    assert pages.get("three") == 3


@pytest.mark.parametrize("fault", AWAY)
def test_of_many_threads_one_tries_and_the_others_go_on_without(make, pages, server, clock, fault):
    FAULTS[fault][0](server)
    pages.get("one")
    clock.now += BREAKER_SECONDS
    each = [make() for _ in range(8)]
    assert at_once(*[lambda mine=mine: mine.get("one", "none") for mine in each]) == ["none"] * 8
    assert sum(calls(mine) for mine in each) == 1


def test_trouble_is_logged_once_and_so_is_its_end(pages, server, clock, caplog):
    caplog.set_level(logging.WARNING, logger=backend.__name__)
    server.kill()
    for _ in range(3):
        use_all(pages)
        clock.now += BREAKER_SECONDS
    server.start()
    pages.get("one")
    pages.get("two")
    pages.reading.worked()
    # Reads are back; writes have been left alone as long, and come back with the next one.
    assert [record.getMessage() for record in caplog.records] == [
        "The page cache is unavailable (reads): ConnectionError",
        "The page cache is available again (reads).",
    ]


def test_many_that_meet_silence_at_once_are_one_line(make, server, caplog):
    caplog.set_level(logging.WARNING, logger=backend.__name__)
    each = [make() for _ in range(8)]
    server.freeze()
    assert at_once(*[lambda mine=mine: mine.get("one", "none") for mine in each]) == ["none"] * 8
    assert len(caplog.records) == 1


def test_a_server_that_was_killed_and_started_again_works_again_by_itself(pages, server, clock):
    pages.set("one", 1, 60)
    server.kill()
    forget(pages)
    assert pages.get("one") is None
    server.start()
    assert pages.get("one") is None
    assert calls(pages) == 2  # it is left alone, although it is there again
    clock.now += BREAKER_SECONDS
    pages.get("one")
    pages.set("one", 1, 60)
    forget(pages)
    assert pages.get("one") == 1
    assert pages.trouble() == ""


def test_a_kept_connection_that_was_closed_is_opened_again_without_an_error(
    pages, server, sockets, caplog
):
    pages.set("one", 1, 60)
    server.restart()
    opened = len(sockets)
    pages.set("one", 1, 60)
    forget(pages)
    assert pages.get("one") == 1
    assert len(sockets) == opened + 1
    assert pages.trouble() == ""
    assert caplog.records == []


def test_a_connection_that_is_closed_while_it_is_used_is_tried_once_more(
    pages, server, sockets, monkeypatch
):
    """As when the server goes away between the look at the connection and the request."""
    pages.set("one", 1, 60)
    forget(pages)
    monkeypatch.setattr(AbstractConnection, "can_read", lambda *_, **__: False)
    server.direct.client_kill_filter(_type="normal", skipme=True)
    opened = len(sockets)
    assert pages.get("one") == 1
    assert len(sockets) == opened + 1
    assert pages.trouble() == ""


def test_an_emptied_server_is_filled_again(pages, server):
    pages.set_many({"one": 1, "two": 2}, 60)
    server.direct.flushall()
    forget(pages)
    assert (pages.get("one"), pages.get_many(["one", "two"])) == (None, {})
    pages.set("one", 1, 60)
    forget(pages)
    assert pages.get("one") == 1
    assert pages.trouble() == ""


class Gone:
    """Of another release: it is not there where the entry is read."""


def unreadable(kind: str, monkeypatch) -> bytes:
    if kind == "no pickle":
        return b"\x80\x05 nothing of ours"
    if kind == "cut off":
        return pickle.dumps({"a": "b" * 100})[:50]
    packed = pickle.dumps(Gone())
    monkeypatch.delitem(globals(), "Gone")
    return packed


@pytest.mark.parametrize("kind", ["no pickle", "cut off", "class that is gone"])
def test_an_entry_that_cannot_be_read_is_as_none_and_is_written_over(
    pages, server, monkeypatch, caplog, kind
):
    server.direct.set(pages.make_key("bad"), unreadable(kind, monkeypatch))
    pages.set("good", 1, 60)
    forget(pages)
    assert pages.get("bad", "default") == "default"
    assert not pages.has_key("bad")
    assert pages.get_many(["good", "bad"]) in ({}, {"good": 1})
    assert pages.get("good") == 1  # one bad entry closes nothing
    assert (pages.trouble(), caplog.records) == ("", [])
    pages.set("bad", 2, 60)
    forget(pages)
    assert pages.get_many(["good", "bad"]) == {"good": 1, "bad": 2}


def test_a_server_that_is_tried_with_an_entry_that_cannot_be_read_is_back(pages, server, clock):
    server.kill()
    pages.get("one")
    server.start()
    server.direct.set(pages.make_key("bad"), b"nothing of ours")
    clock.now += BREAKER_SECONDS
    assert pages.get("bad") is None
    assert pages.trouble() == ""


# --- what visitors see ----------------------------------------------------------------------------


@pytest.fixture
def site(server, configuration, settings, clock) -> Server:
    """The site's own pages with this server as their cache."""
    settings.CACHES = settings.CACHES | {"pages": configuration}
    return server


def heading(response) -> str:
    assert response.status_code == 200, response.status_code
    return read(response).one("h1").text


def names(response) -> str:
    assert response.status_code == 200, response.status_code
    return read(response).one("tbody").text


def sign_in(client, password: str = PASSWORD):
    return client.post("/login/", {"login": "ada", "password": password})


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_pages_come_and_are_right_and_a_session_holds(client, site, clock, fault):
    hurt, heal = FAULTS[fault]
    account = make_user(first_name="Grace", last_name="Before")
    client.force_login(make_superuser())
    assert "Grace Before" in names(client.get("/users/"))
    for number, change in enumerate((hurt, lambda _: None, heal)):
        change(site)
        for _ in range(2):
            account.last_name = f"After{number}"
            account.save()
            for _ in range(2):  # made, and from memory
                assert f"Grace After{number}" in names(client.get("/users/"))
                assert heading(client.get(f"/users/{account.pk}/")) == f"Grace After{number}"
        clock.now += BREAKER_SECONDS
    assert caches["pages"].trouble() == ""


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_people_sign_in_and_out(client, site, fault):
    make_user("Viewer", username="ada", password=PASSWORD)
    FAULTS[fault][0](site)
    assert sign_in(client)["Location"] == "/"
    stolen = client.cookies["session"].value
    assert client.get("/users/").status_code == 200
    assert client.post("/logout/")["Location"] == "/login/"
    client.cookies["session"] = stolen
    assert client.get("/users/").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_a_session_that_was_ended_meanwhile_is_over_when_redis_is_back(client, site, clock, fault):
    """Redis still has it then: it could not be told."""
    hurt, heal = FAULTS[fault]
    make_user("Viewer", username="ada", password=PASSWORD)
    sign_in(client)
    stolen = client.cookies["session"].value
    assert client.get("/users/").status_code == 200
    hurt(site)
    client.post("/logout/")
    heal(site)
    clock.now += BREAKER_SECONDS
    forget(caches["pages"])
    client.cookies["session"] = stolen
    assert client.get("/users/").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_guessing_passwords_stays_closed(client, site, fault):
    make_user("Viewer", username="ada", password=PASSWORD)
    for _ in range(3):
        assert sign_in(client, "wrong").status_code == 422
    FAULTS[fault][0](site)
    for _ in range(2):
        assert sign_in(client, "wrong").status_code == 422
    assert sign_in(client).status_code == 429


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_readyz_names_the_cache(client, site, fault):
    hurt, heal = FAULTS[fault]
    assert client.get("/readyz").json()["cache"] == "ok"
    hurt(site)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["cache"]) == (200, NOT_READY)
    heal(site)
    assert client.get("/readyz").json()["cache"] == "ok"  # whatever the breakers say


@pytest.mark.django_db
def test_a_page_that_cannot_be_read_is_made_anew(client, site):
    make_user(first_name="Grace")
    client.force_login(make_superuser())
    client.get("/users/")
    for key in site.direct.scan_iter():
        site.direct.set(key, b"nothing of ours")
    forget(caches["pages"])
    assert "Grace" in names(client.get("/users/"))
    forget(caches["pages"])
    assert "Grace" in names(client.get("/users/"))
    assert b"nothing of ours" not in site.direct.mget(list(site.direct.scan_iter()))
    assert caches["pages"].trouble() == ""
