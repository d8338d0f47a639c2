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

SECONDS = 3600
MANY = 2000  # pieces, of a kilobyte or two
FEW = 5  # of them are made sooner than the cache is asked


class Piece(NamedTuple):
    """The HTML that `build` makes of what is `shown`: everything that it depends on, its kind and
    the viewer's part too. `dear`: to make it takes longer than to ask the cache.
    """

    shown: tuple[Hashable, ...]
    build: Callable[[], str]
    dear: bool = False

    @property
    def key(self) -> str:
        return f"piece:{digest(*map(str, self.shown))}"


class Memory:
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
        if len(self.young) >= MANY or time.monotonic() >= self.since + SECONDS / 2:
            self.old = self.young
            self.young = {}
            self.since = time.monotonic()


MEMORY = Memory()


def pieces(wanted: list[Piece]) -> list[SafeString]:
    """The HTML of each, in order, by at most one read of the cache."""
    with timing.span("rows"):
        known = [MEMORY.get(piece.shown) for piece in wanted]
        missing = [piece for piece, html in zip(wanted, known, strict=True) if html is None]
        if not missing:
            return [*map(SafeString, known)]
        made = made_or_kept(missing)
        return [
            SafeString(made[piece.shown] if html is None else html)
            for piece, html in zip(wanted, known, strict=True)
        ]


def made_or_kept(missing: list[Piece]) -> dict[tuple, str]:
    cache = caches["pages"]
    found = {piece: piece.key for piece in missing}
    asks = len(missing) > FEW or any(piece.dear for piece in missing)
    known = cache.get_many(found.values()) if asks else {}
    made = {key: piece.build() for piece, key in found.items() if key not in known}
    if made:
        cache.set_many(made, SECONDS)
    html = {piece.shown: known.get(key) or made[key] for piece, key in found.items()}
    for shown, text in html.items():
        MEMORY.put(shown, text)
    return html


def digest(*shown: str) -> str:
    return blake2b(repr(shown).encode(), digest_size=16).hexdigest()
