"""Pieces of pages: made once, remembered by the process, and kept for all."""

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.core.cache import caches

from users.caching import fragments
from users.caching.fragments import (
    FEW_FRAGMENTS,
    FRAGMENT_SECONDS,
    MEMORY_FRAGMENTS,
    Fragment,
    FragmentMemory,
    render_fragments,
)


@pytest.fixture(autouse=True)
def memory(monkeypatch) -> FragmentMemory:
    """A process's own, whose hours a test tells."""
    caches["pages"].clear()
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(fragments, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(fragments, "FRAGMENT_MEMORY", FragmentMemory())
    fragments.FRAGMENT_MEMORY.clock = clock
    return fragments.FRAGMENT_MEMORY


@pytest.fixture
def asked(monkeypatch) -> Counter:
    """What the cache is asked, by name."""
    asked = Counter()
    cache = caches["pages"]

    def count(name: str, call: Callable) -> None:
        monkeypatch.setattr(cache, name, lambda *given: asked.update([name]) or call(*given))

    count("get_many", cache.get_many)
    count("set_many", cache.set_many)
    return asked


def some(number: int, made: list, **options) -> list[Fragment]:
    def build(text: str) -> str:
        made.append(text)
        return f"<p>{text}</p>"

    return [
        Fragment(("kind", str(each)), lambda each=each: build(str(each)), **options)
        for each in range(number)
    ]


def test_a_piece_is_made_once_and_its_place_is_kept(memory, asked):
    made: list = []
    first = render_fragments(some(50, made))
    assert first == [f"<p>{number}</p>" for number in range(50)]
    assert render_fragments(some(50, made)[::-1]) == first[::-1]
    assert made == [str(number) for number in range(50)]
    assert asked == {"get_many": 1, "set_many": 1}  # what the process remembers is asked of nobody


def test_another_process_has_them_from_the_cache(memory, asked):
    made: list = []
    first = render_fragments(some(50, made))
    memory.clear()
    assert render_fragments(some(50, made)) == first
    assert len(made) == 50


@pytest.mark.parametrize(
    ("number", "dear", "asks"),
    [(FEW_FRAGMENTS, False, 0), (FEW_FRAGMENTS + 1, False, 1), (1, True, 1)],
)
def test_a_few_are_made_sooner_than_the_cache_is_asked_unless_they_are_dear(
    asked, number, dear, asks
):
    render_fragments(some(number, [], expensive=dear))
    assert asked == {"set_many": 1} | ({"get_many": 1} if asks else {})


def test_what_shows_something_else_is_another_piece():
    made: list = []
    shown = [("a", "b"), ("a", "c"), ("ab",), ("a", ""), ("a",), ("1",)]
    for _ in range(2):
        found = render_fragments(
            [Fragment(each, lambda each=each: made.append(each) or repr(each)) for each in shown]
        )
        assert found == [*map(repr, shown)]
    assert made == shown
    assert len({Fragment(each, str).key for each in shown}) == len(shown)


def test_it_remembers_what_was_asked_for_last_and_no_more_than_it_may(memory):
    for number in range(5 * MEMORY_FRAGMENTS):
        memory.put((number,), "x")
        assert memory.get((0,)) == "x"  # asked for again and again
        assert len(memory.young) + len(memory.old) <= 2 * MEMORY_FRAGMENTS + 1
    assert memory.get((MEMORY_FRAGMENTS,)) is None
    assert memory.get((5 * MEMORY_FRAGMENTS - 1,)) == "x"


def test_after_an_hour_it_has_forgotten(memory):
    memory.put(("old",), "x")
    for minute in range(0, FRAGMENT_SECONDS + 120, 60):
        memory.clock.now = minute
        memory.put(("new", minute), "y")
    assert memory.get(("old",)) is None
