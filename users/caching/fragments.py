"""Pieces of pages that outlive them: after one change, the page is put together from the pieces of
all that did not change.

A piece is known by everything that it shows, so it needs no generation and is never old. Each
process remembers the newest as they are; the cache has them for all, under a digest.
"""

import time
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import NamedTuple

from django.core.cache import caches
from django.utils.safestring import SafeString

from users.caching import timing

FRAGMENT_SECONDS = 3600
MEMORY_FRAGMENTS = 2000  # pieces, of a kilobyte or two
FEW_FRAGMENTS = 5  # of them are made sooner than the cache is asked


class Fragment(NamedTuple):
    """The HTML that `build` makes of what is `shown`: everything that it depends on, its kind and
    the viewer's part too. `dear`: to make it takes longer than to ask the cache.
    """

    shown: tuple[Hashable, ...]
    build: Callable[[], str]
    dear: bool = False

    @property
    def key(self) -> str:
        return f"piece:{fragment_digest(*map(str, self.shown))}"


class FragmentMemory:
    """Between MANY and twice as many of the pieces that were asked for last, for an hour at most."""

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
        self.turn()
        self.young[shown] = html

    def turn(self) -> None:
        """What nobody has asked for since the turn before is forgotten."""
        if (
            len(self.young) >= MEMORY_FRAGMENTS
            or time.monotonic() >= self.since + FRAGMENT_SECONDS / 2
        ):
            self.old = self.young
            self.young = {}
            self.since = time.monotonic()


FRAGMENT_MEMORY = FragmentMemory()


def render_fragments(wanted: list[Fragment]) -> list[SafeString]:
    """The HTML of each, in order, by at most one read of the cache."""
    with timing.measure_layer("rows"):
        known = [FRAGMENT_MEMORY.get(piece.shown) for piece in wanted]
        missing = [piece for piece, html in zip(wanted, known, strict=True) if html is None]
        if not missing:
            return [*map(SafeString, known)]
        made = get_or_render(missing)
        return [
            SafeString(made[piece.shown] if html is None else html)
            for piece, html in zip(wanted, known, strict=True)
        ]


def get_or_render(missing: list[Fragment]) -> dict[tuple, str]:
    cache = caches["pages"]
    found = {piece: piece.key for piece in missing}
    asks = len(missing) > FEW_FRAGMENTS or any(piece.dear for piece in missing)
    known = cache.get_many(found.values()) if asks else {}
    made = {key: piece.build() for piece, key in found.items() if key not in known}
    if made:
        cache.set_many(made, FRAGMENT_SECONDS)
    html = {piece.shown: known.get(key) or made[key] for piece, key in found.items()}
    for shown, text in html.items():
        FRAGMENT_MEMORY.put(shown, text)
    return html


def fragment_digest(*shown: str) -> str:
    return blake2b(repr(shown).encode(), digest_size=16).hexdigest()
