"""Rollcall's settings without a page cache: every page, row and session comes from the database."""

from django.core.cache.backends.dummy import DummyCache

from settings import *  # noqa: F403
from settings import CACHES, MIDDLEWARE


class NoCache(DummyCache):
    """A cache that keeps nothing and checks no key, which took a twentieth of a page."""

    def make_and_validate_key(self, key, version=None):
        return key


CACHES = CACHES | {"pages": {"BACKEND": "benchmarks.cold.NoCache"}}
MIDDLEWARE = ["benchmarks.cold.AloneMiddleware", *MIDDLEWARE]


class AloneMiddleware:
    """Ends sharing too: no request gets the page that another thread builds, and no process
    remembers a fragment.
    """

    def __init__(self, get_response):
        from users.caching.fragments import FragmentMemory
        from users.caching.pages import PageBuilder

        PageBuilder.await_thread = lambda self, pending: None  # type: ignore[method-assign]
        FragmentMemory.put = lambda self, shown, html: None  # type: ignore[method-assign]
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)
