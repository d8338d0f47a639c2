"""Settings of Rollcall without a page cache.

Every page, row and session comes from the database.
"""

from django.core.cache.backends.dummy import DummyCache

from settings import *  # noqa: F403
from settings import CACHES, MIDDLEWARE


class NoCache(DummyCache):
    """Stores nothing. Keys are not checked either, since that took 5 % of a page."""

    def make_and_validate_key(self, key, version=None):
        return key


CACHES = CACHES | {"pages": {"BACKEND": "benchmarks.settings_cold.NoCache"}}
MIDDLEWARE = ["benchmarks.settings_cold.UnsharedMiddleware", *MIDDLEWARE]


class UnsharedMiddleware:
    """Keeps requests from sharing work: none waits for the page that another thread builds, and no
    process remembers a fragment.
    """

    def __init__(self, get_response):
        from users.caching.fragments import FragmentMemory
        from users.caching.pages import PageBuilder

        PageBuilder.await_thread = lambda self, pending: None  # type: ignore[method-assign]
        FragmentMemory.put = lambda self, key_parts, html: None  # type: ignore[method-assign]
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)
