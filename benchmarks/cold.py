"""Rollcall's settings without a page cache: every page, row and session is made of what the
database has.
"""

from django.core.cache.backends.dummy import DummyCache

from settings import *  # noqa: F403
from settings import CACHES, MIDDLEWARE


class NoCache(DummyCache):
    """Without a look at each key, which a cache that keeps nothing need not take, and which took a
    twentieth of a page.
    """

    def make_and_validate_key(self, key, version=None):
        return key


CACHES = CACHES | {"pages": {"BACKEND": "benchmarks.cold.NoCache"}}
MIDDLEWARE = ["benchmarks.cold.AloneMiddleware", *MIDDLEWARE]


class AloneMiddleware:
    """Nobody gets the page that another thread is just making, either, and no process remembers a
    row.
    """

    def __init__(self, get_response):
        from users.caching.fragments import FragmentMemory
        from users.caching.pages import PageBuilder

        PageBuilder.shared = lambda self, request, flight: None  # type: ignore[method-assign]
        FragmentMemory.put = lambda self, shown, html: None  # type: ignore[method-assign]
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)
