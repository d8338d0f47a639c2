"""Pieces of pages that outlive them: after one change, the page is put together from the pieces of all that did not change.

A piece is stored under a digest of everything that it shows, so it needs no generation and is never old.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

from django.core.cache import BaseCache, caches
from django.utils.safestring import SafeString

from users.caching import timing
from users.caching.backend import Pages

SECONDS = 3600
FEW = 5  # pieces that are made sooner than Redis is asked for them


class Piece(NamedTuple):
    """HTML under `key` (of the function of that name), and what makes it. `dear`: making it takes longer than asking Redis."""

    key: str
    build: Callable[[], str]
    dear: bool = False


def pieces(wanted: list[Piece]) -> list[SafeString]:
    """The HTML of each, in order, by at most one read of the cache."""
    with timing.span("rows"):
        cache = caches["pages"]
        known = recalled(cache, wanted)
        made = {piece.key: piece.build() for piece in wanted if piece.key not in known}
        if made:
            cache.set_many(made, SECONDS)
        return [SafeString(known.get(piece.key) or made[piece.key]) for piece in wanted]


def recalled(cache: BaseCache, wanted: list[Piece]) -> dict[str, str]:
    """What the cache has of them; where this process remembers almost all, that alone."""
    keys = [piece.key for piece in wanted]
    if not isinstance(cache, Pages):
        return cache.get_many(keys)
    known = cache.nearby(keys)
    missing = [piece for piece in wanted if piece.key not in known]
    if len(missing) <= FEW and not any(piece.dear for piece in missing):
        return known
    return known | cache.get_many([piece.key for piece in missing], seconds=SECONDS)


def key(kind: str, *shown: object) -> str:
    """`shown`: everything that the piece depends on, the viewer's part of it too. A key may be the kind of others."""
    return f"{kind}:{blake2b(repr(shown).encode(), digest_size=16).hexdigest()}"
