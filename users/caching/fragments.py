"""Cached HTML of parts of pages. After one change, a page is put together from the fragments of
everything that did not change.

A fragment's key is everything that it shows, so it needs no generation and is never stale. Each
process remembers the newest ones as they are; the cache has them for all processes, under a digest.

The memory of the process has a price tag: `fragment-memory` in docs/benchmarks.md.
"""

import time
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import NamedTuple

from django.core.cache import caches
from django.utils.safestring import SafeString

from users.caching import timing

FRAGMENT_SECONDS = 3600
# A fragment has a kilobyte or two.
MEMORY_FRAGMENTS = 2000
# So many are rendered sooner than the cache is asked.
FEW_FRAGMENTS = 5


class Fragment(NamedTuple):
    """The HTML that `build` makes of `shown`: everything that it depends on, its kind and the
    viewer's part too. `dear`: rendering it takes longer than asking the cache.
    """

    shown: tuple[Hashable, ...]
    build: Callable[[], str]
    dear: bool = False

    @property
    def key(self) -> str:
        return f"piece:{fragment_digest(*map(str, self.shown))}"


class FragmentMemory:
    """The fragments that were asked for last, between MEMORY_FRAGMENTS and twice as many, for an
    hour at most.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.young: dict[tuple, str] = {}
        self.old: dict[tuple, str] = {}
        self.since = time.monotonic()

    def get(self, shown: tuple) -> str | None:
        html = self.young.get(shown)
        if html is None and (html := self.old.get(shown)) is not None:
            self.put(shown, html)
        return html

    def put(self, shown: tuple, html: str) -> None:
        self.rotate()
        self.young[shown] = html

    def rotate(self) -> None:
        """Drops the fragments that nobody has asked for since the last rotation, if it is time."""
        is_full = len(self.young) >= MEMORY_FRAGMENTS
        if is_full or time.monotonic() >= self.since + FRAGMENT_SECONDS / 2:
            self.old = self.young
            self.young = {}
            self.since = time.monotonic()


FRAGMENT_MEMORY = FragmentMemory()


def render_fragments(wanted: list[Fragment]) -> list[SafeString]:
    """The HTML of each fragment, in order, with at most one read of the cache."""
    with timing.measure_layer("rows"):
        known = [FRAGMENT_MEMORY.get(fragment.shown) for fragment in wanted]
        pairs = [*zip(wanted, known, strict=True)]
        missing = [fragment for fragment, html in pairs if html is None]
        if not missing:
            return [*map(SafeString, known)]
        made = get_or_render(missing)
        return [
            SafeString(made[fragment.shown] if html is None else html) for fragment, html in pairs
        ]


def get_or_render(missing: list[Fragment]) -> dict[tuple, str]:
    """HTML by what it shows: from the cache, or rendered and stored. The process remembers it."""
    cache = caches["pages"]
    keys = {fragment: fragment.key for fragment in missing}
    asks = len(missing) > FEW_FRAGMENTS or any(fragment.dear for fragment in missing)
    known = cache.get_many(keys.values()) if asks else {}
    made = {key: fragment.build() for fragment, key in keys.items() if key not in known}
    if made:
        cache.set_many(made, FRAGMENT_SECONDS)
    html = {fragment.shown: known.get(key) or made[key] for fragment, key in keys.items()}
    for shown, text in html.items():
        FRAGMENT_MEMORY.put(shown, text)
    return html


def fragment_digest(*shown: str) -> str:
    return blake2b(repr(shown).encode(), digest_size=16).hexdigest()
