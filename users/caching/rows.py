"""Pieces of pages that outlive them: after one change, the page is put together from the pieces of all that did not change.

A piece is stored under a digest of everything that it shows, so it needs no generation and is never old.
"""

from collections.abc import Callable
from hashlib import blake2b

from django.core.cache import caches
from django.utils.safestring import SafeString

from users.caching import timing

SECONDS = 3600


def pieces(keys: list[str], build: Callable[[int], str]) -> list[SafeString]:
    """HTML for each of `keys` (`key`), in order, by one read of the cache; `build(n)` makes the one at place n."""
    with timing.span("rows"):
        cache = caches["pages"]
        known = cache.get_many(keys)
        made = {key: build(number) for number, key in enumerate(keys) if key not in known}
        if made:
            cache.set_many(made, SECONDS)
        return [SafeString(known.get(key) or made[key]) for key in keys]


def key(kind: str, *shown: object) -> str:
    """`shown`: everything that the piece depends on, the viewer's part of it too. A key may be the kind of others."""
    return f"{kind}:{blake2b(repr(shown).encode(), digest_size=16).hexdigest()}"
