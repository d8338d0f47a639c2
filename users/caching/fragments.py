"""Cached HTML of parts of pages. After a change, a page reuses the fragments that did not change.

The key of a fragment is everything that it shows, so it needs no generation and is never stale.
Each process keeps the newest fragments in memory; the cache keeps them for all processes, under a
digest.

The gain of the memory is measured as `fragment-memory` in docs/benchmarks.md.
"""

import time
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import NamedTuple

from django.core.cache import caches
from django.utils.safestring import SafeString

from users.caching import timing

FRAGMENT_SECONDS = 3600
# Fragments in the memory of a process; one has a kilobyte or two.
MEMORY_FRAGMENTS = 2000
# Rendering up to this many fragments is faster than a read of the cache.
FEW_FRAGMENTS = 5


class Fragment(NamedTuple):
    """A part of a page: its key and the function that renders it."""

    # Everything that the HTML depends on, including the kind of fragment and the audience: values
    # whose repr is the same in all processes.
    key_parts: tuple[Hashable, ...]
    build: Callable[[], str]
    # Rendering takes longer than a read of the cache.
    expensive: bool = False

    @property
    def key(self) -> str:
        return f"fragment:{fragment_digest(self.key_parts)}"


class FragmentMemory:
    """The fragments used last: up to twice MEMORY_FRAGMENTS, for an hour at most."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.young: dict[tuple, str] = {}
        self.old: dict[tuple, str] = {}
        self.since = time.monotonic()

    def get(self, key_parts: tuple) -> str | None:
        html = self.young.get(key_parts)
        if html is None and (html := self.old.get(key_parts)) is not None:
            self.put(key_parts, html)
        return html

    def put(self, key_parts: tuple, html: str) -> None:
        self.rotate()
        self.young[key_parts] = html

    def rotate(self) -> None:
        """Drops the fragments that were not used since the last rotation, if one is due."""
        is_full = len(self.young) >= MEMORY_FRAGMENTS
        if is_full or time.monotonic() >= self.since + FRAGMENT_SECONDS / 2:
            self.old = self.young
            self.young = {}
            self.since = time.monotonic()


FRAGMENT_MEMORY = FragmentMemory()


def render_fragments(fragments: list[Fragment]) -> list[SafeString]:
    """Returns the HTML of each fragment, in order, with at most one read of the cache."""
    with timing.measure_layer("rows"):
        known = [FRAGMENT_MEMORY.get(fragment.key_parts) for fragment in fragments]
        pairs = [*zip(fragments, known, strict=True)]
        missing = [fragment for fragment, html in pairs if html is None]
        timing.note_reads("fragment_memory", "hit", len(pairs) - len(missing))
        if not missing:
            return [*map(SafeString, known)]
        rendered = get_or_render(missing)
        texts = []
        for fragment, html in pairs:
            texts.append(rendered[fragment.key_parts] if html is None else html)
        return [*map(SafeString, texts)]


def get_or_render(missing: list[Fragment]) -> dict[tuple, str]:
    """Returns the HTML by `key_parts`, from the cache or newly rendered and stored there.

    Adds it to the memory of the process.
    """
    cache = caches["pages"]
    keys = {fragment: fragment.key for fragment in missing}
    has_expensive = any(fragment.expensive for fragment in missing)
    reads_cache = has_expensive or len(missing) > FEW_FRAGMENTS
    known = cache.get_many(keys.values()) if reads_cache else {}
    rendered = {key: fragment.build() for fragment, key in keys.items() if key not in known}
    timing.note_reads("fragment", "hit", len(known))
    timing.note_reads("fragment", "miss", len(rendered))
    if rendered:
        cache.set_many(rendered, FRAGMENT_SECONDS)
    html = {fragment.key_parts: known.get(key) or rendered[key] for fragment, key in keys.items()}
    for key_parts, text in html.items():
        FRAGMENT_MEMORY.put(key_parts, text)
    return html


def fragment_digest(key_parts: tuple[Hashable, ...]) -> str:
    return blake2b(repr(key_parts).encode(), digest_size=16).hexdigest()
