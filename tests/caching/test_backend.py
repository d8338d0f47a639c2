"""The cache alias `pages` before a real Redis that fails in every way: nothing raises, hardly
anything waits.
"""

import pytest

from tests.caching.broken_redis import AWAY, FAULTS, forget
from users.caching import backend
from users.caching.backend import (
    BREAKER_SECONDS,
    PageCache,
)

pytestmark = pytest.mark.postgresql  # of Redis, and not of the database


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
    assert pages.current_error() == ""


def test_writes_that_belong_together_reach_redis_at_once(pages, server):
    pages.set("gone", 1, 60)
    before = pages.redis.calls.copy()
    with pages.batch_writes():
        pages.set("one", 1, 60)
        pages.set_many({"two": 2, "three": 3}, 60)
        assert pages.delete("gone")
        # It sees its own writes; Redis has got none of them yet.
        assert (pages.get("one"), pages.get("gone")) == (1, 1)
    assert pages.redis.calls - before == {"get": 1}
    assert not server.direct.exists(pages.make_key("one"))
    pages.close()
    assert pages.pipelines == []
    forget(pages)
    assert pages.get_many(["one", "two", "three", "gone"]) == {"one": 1, "two": 2, "three": 3}
    assert 50_000 < server.direct.pttl(pages.make_key("one")) <= 60_000


def test_a_block_within_another_sends_its_own_as_it_is_then(pages, server):
    value = ["one"]
    with pages.batch_writes():
        pages.set("outer", value, 60)
        with pages.batch_writes():
            pages.set("inner", value, 60)
        assert pages.pipelines == []
        value.append("two")
        assert server.direct.exists(pages.make_key("inner"), pages.make_key("outer")) == 1
    value.append(lambda: "nothing that can be packed")
    pages.close()
    forget(pages)
    assert pages.get_many(["inner", "outer"]) == {"inner": ["one"], "outer": ["one", "two"]}
    assert pages.current_error() == ""


def test_what_was_written_before_an_error_is_written(pages):
    def build() -> None:
        with pages.batch_writes():
            pages.set("one", 1, 60)
            raise ValueError("of the page")

    with pytest.raises(ValueError, match="of the page"):
        build()
    forget(pages)
    assert pages.get("one") == 1


def test_a_redis_that_is_gone_when_the_page_is_sent_costs_the_page_its_place_alone(pages, server):
    with pages.batch_writes():
        pages.set("one", 1, 60)
    server.kill()
    pages.close()
    assert pages.current_error() == "ConnectionError"
    assert pages.get("one") == 1


def test_who_finds_nothing_holds_the_lock_for_the_process_with_the_same_question(
    make, server, monkeypatch
):
    first = make()
    second = make()
    before = first.redis.calls.copy()
    with first.lock_on_miss("lock"):
        assert first.get("page") is None
        assert 0 < server.direct.pttl(first.make_key("lock")) <= 5_000
        assert first.may_build()
        assert first.get("other") is None  # one alone
        assert server.direct.dbsize() == 1
    for boot, own in ((backend.BOOT_ID, True), ("another process", False)):
        monkeypatch.setattr(backend, "BOOT_ID", boot)
        with second.lock_on_miss("lock"):
            assert second.get("page") is None
            assert second.may_build() is own
    assert first.redis.calls - before == {"get": 1}


def test_who_finds_something_takes_no_lock_until_something_is_missing(pages, server):
    pages.set("heads", ["Cookie"], 60)
    forget(pages)
    with pages.lock_on_miss("lock"):
        assert pages.get("heads") == ["Cookie"]
        assert not server.direct.exists(pages.make_key("lock"))
        assert pages.get("page") is None
        assert server.direct.exists(pages.make_key("lock"))
    with pages.lock_on_miss("another"):
        assert pages.may_build()  # without a question before nobody is known to hold it


@pytest.mark.parametrize("fault", FAULTS)
def test_without_a_lock_everybody_is_the_first_and_who_can_read_reads(pages, server, clock, fault):
    hurt, heal = FAULTS[fault]
    pages.set("one", 1, 60)
    forget(pages)
    hurt(server)
    try:
        for _ in range(2):
            with pages.lock_on_miss("lock"):
                assert pages.get("nothing") is None
                assert pages.may_build()
                assert pages.get("one") == (None if fault in AWAY else 1)
    finally:
        heal(server)
    clock.now += BREAKER_SECONDS
    with pages.lock_on_miss("lock"):
        assert pages.get("nothing") is None
        assert pages.may_build()
    assert server.direct.exists(pages.make_key("lock"))
    assert pages.current_error() == ""


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
    assert first.memory.items == {}
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


# --- faults ---------------------------------------------------------------------------------------


# --- what visitors see ----------------------------------------------------------------------------
