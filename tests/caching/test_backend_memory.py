"""The memory that each process has in front of Redis."""

import os
from typing import Any

import pytest

from tests.caching.broken_redis import calls, forget
from tests.threads import at_once
from users.caching.backend import (
    MEMORY_BYTES,
    MEMORY_SECONDS,
    ProcessMemory,
)

pytestmark = pytest.mark.postgresql  # of Redis, and not of the database


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
    pages.memory.forget(pages.make_key("two"))
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
        return {
            "memory": mine.memory,
            "read_breaker": mine.read_breaker,
            "write_breaker": mine.write_breaker,
        }

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
    assert pages.memory.get(pages.make_key("page")) is None
    assert pages.memory.size == 0
    assert pages.get("page") == big
    assert pages.redis.calls["get"] == 1


def test_what_has_expired_leaves_memory_when_it_is_asked_for(clock):
    near = ProcessMemory()
    near.put("one", b"1234", 5)
    clock.now += 5
    assert near.get("one") is None
    assert near.size == 0
