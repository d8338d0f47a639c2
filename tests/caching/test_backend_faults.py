"""The cache alias `pages` before a real Redis that fails in every way: nothing raises, hardly
anything waits.
"""

import logging
import pickle
from typing import Any

import pytest
from redis.connection import AbstractConnection

from tests.caching.broken_redis import AWAY, FAULTS, calls, forget, use_all
from tests.threads import at_once
from users.caching import backend, packing
from users.caching.backend import (
    BREAKER_SECONDS,
    MEMORY_SECONDS,
)

WARNING = "The page cache has entries that this installation did not store."
pytestmark = pytest.mark.postgresql  # of Redis, and not of the database


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_raises_and_afterwards_all_is_as_before(make, pages, server, clock, fault):
    hurt, heal = FAULTS[fault]
    pages.set_many({"one": 1, "two": 2}, 60)
    hurt(server)
    use_all(pages)
    assert pages.current_error()
    clock.now += BREAKER_SECONDS
    use_all(make())  # it is tried, and it is not better
    assert pages.current_error()
    heal(server)
    clock.now += BREAKER_SECONDS
    use_all(pages)
    assert pages.current_error() == ""
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
    assert pages.read_breaker.open
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
    assert pages.current_error() == "TimeoutError"
    assert (len(waited), len(sockets)) == (1, opened)


def test_a_probe_of_readiness_ends_the_pause_of_pages_that_are_in_memory(pages, server):
    server.kill()
    pages.set("one", 1, 60)
    server.start()
    assert pages.get("one") == 1
    assert pages.read_breaker.open
    pages.probe()
    assert not pages.read_breaker.open


def test_a_write_that_meets_silence_spares_the_reads(pages, server):
    pages.get("one")
    server.freeze()
    pages.set("one", 1, 60)
    assert pages.read_breaker.open
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
    assert (pages.write_breaker.open, pages.read_breaker.open) == (True, False)
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
    assert pages.current_error() == ""
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
    pages.read_breaker.record_success()
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
    assert pages.current_error() == ""


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
    assert pages.current_error() == ""
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
    assert pages.current_error() == ""


def test_an_emptied_server_is_filled_again(pages, server):
    pages.set_many({"one": 1, "two": 2}, 60)
    server.direct.flushall()
    forget(pages)
    assert (pages.get("one"), pages.get_many(["one", "two"])) == (None, {})
    pages.set("one", 1, 60)
    forget(pages)
    assert pages.get("one") == 1
    assert pages.current_error() == ""


UNREADABLE = {
    "empty": b"",
    "number": b"1",
    "bytes": b"nothing of ours",
    "long number": b"9" * 5000,
    "pickle": pickle.dumps({"a": "b" * 100}),
    "cut off": b"x" * 16,
    "no digest": bytes(16) + b'j{"a": 1}',
    "kind that is none": bytes(16) + b"?",
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_entry_that_cannot_be_read_is_as_none_and_is_written_over(pages, server, caplog, kind):
    server.direct.set(pages.make_key("bad"), UNREADABLE[kind])
    pages.set("good", 1, 60)
    forget(pages)
    assert pages.get("bad", "default") == "default"
    assert not pages.has_key("bad")
    assert pages.get_many(["good", "bad"]) == {"good": 1}
    assert pages.get("good") == 1  # one bad entry closes nothing
    assert pages.current_error() == ""
    assert [record.getMessage() for record in caplog.records] == [WARNING]
    pages.set("bad", 2, 60)
    forget(pages)
    assert pages.get_many(["good", "bad"]) == {"good": 1, "bad": 2}


def test_an_entry_that_was_copied_to_another_key_is_none(pages, server, caplog):
    pages.set("mine", "the rights of a viewer", 60)
    stolen = server.direct.get(pages.make_key("mine"))
    server.direct.set(pages.make_key("yours"), stolen)
    server.direct.set(pages.make_key("mine", version=2), stolen)
    forget(pages)
    assert pages.get_many(["mine", "yours"]) == {"mine": "the rights of a viewer"}
    assert pages.get("mine", version=2) is None
    assert [record.getMessage() for record in caplog.records] == [WARNING]


def test_an_entry_of_another_secret_key_is_none(pages, monkeypatch):
    pages.set("mine", "1", 60)
    forget(pages)
    assert pages.get("mine") == "1"
    forget(pages)
    monkeypatch.setattr(packing, "digest_key", lambda: b"another")
    assert pages.get("mine") is None


def test_a_server_that_is_tried_with_an_entry_that_cannot_be_read_is_back(pages, server, clock):
    server.kill()
    pages.get("one")
    server.start()
    server.direct.set(pages.make_key("bad"), b"nothing of ours")
    clock.now += BREAKER_SECONDS
    assert pages.get("bad") is None
    assert pages.current_error() == ""
