"""Caches whole pages, which are never stale and never shown to another audience.

The key of a page contains the generations of everything that it shows, read before its data, and
the audience that it was built for. So nothing needs to be deleted from the cache: an outdated page,
or one of another audience, is not found. Cached pages contain nothing that belongs to one viewer,
such as the name, messages or CSRF token.
"""

import gzip
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple
from urllib.parse import urlencode

import brotli
from django.conf import settings
from django.contrib.messages import get_messages
from django.core.cache import caches
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.cache import get_cache_key, patch_cache_control, patch_vary_headers
from django.utils.encoding import escape_uri_path
from django.views.decorators.cache import cache_page

from users import masking
from users.caching import generation, timing
from users.caching.backend import CLAIM_SECONDS, PageCache
from users.caching.generation import Generations
from users.caching.packing import StoredResponse
from users.database.clock import current_time
from users.database.replica import current_servers
from users.web.partials import is_partial

# For how long soft columns may be outdated. Less than a minute, with the memory of each process.
PAGE_SECONDS = 50
# How long a request waits for another one that is building its page.
BUILD_WAIT_SECONDS = 0.3
# Pauses between two reads while waiting; they grow. Most pages take a few milliseconds to build.
FIRST_PAUSE_SECONDS = 0.002
LAST_PAUSE_SECONDS = 0.02
COMPRESS_MIN_BYTES = 400
# Django adds these for caches between server and client. There are none.
PROXY_HEADERS = ("Expires", "Age")


class BuiltPage(NamedTuple):
    """A page as its view returns it."""

    response: HttpResponse
    # When the page becomes outdated without a write, such as the end of a suspension; or None.
    expiry: datetime | None = None
    # Of a list that counts as an export of its rows.
    row_count: int = 0


PageView = Callable[[Any], BuiltPage]


def cached_page(
    request, view: PageView, *, generations: tuple[str, ...], audience: object = None
) -> HttpResponse:
    """Returns the page of `view`, from the cache if possible.

    `generations`: the names of those that the page depends on. `audience`: anything about the
    viewer that changes the page, besides their permissions. The view must answer GET and HEAD
    alike, must not depend on anything else of the viewer, and must not render a CSRF token.
    """
    if bypasses_cache(request):
        timing.record_outcome(view_label(request), "bypassed")
        return view(request).response
    encoding = accepted_encoding(request)
    prefix = page_digest(
        request_generations(request).of(*generations),
        audience_digest(request.user, audience),
        "part" if is_partial(request) else "page",
        encoding,
        timezone.localdate(),
    )
    with timing.measure_layer("cache"), batch_cache_writes():
        response = get_or_build(request, view, prefix, encoding)
    for header in PROXY_HEADERS:
        del response[header]
    patch_vary_headers(response, ("HX-Request", "Accept-Encoding", "Cookie"))
    if settings.CSRF_COOKIE_NAME not in request.COOKIES:
        # HTMX requests take the token from the cookie.
        get_token(request)
    return response


def bypasses_cache(request) -> bool:
    """Returns whether the page is built for this request only.

    It is if it shows messages, or in DEBUG mode, where templates change.
    """
    return settings.DEBUG or bool(len(get_messages(request)))


def get_or_build(request, view: PageView, prefix: str, encoding: str) -> HttpResponse:
    """Returns the cached page under `prefix`, or builds it.

    Cache timeouts are imprecise: a page is stored some time after its data was read, and processes
    remember it. So a page past its expiry is rebuilt under a new key.
    """
    path = canonical_path(request)
    while True:
        timing.record_outcome(view_label(request), "hit")
        builder = PageBuilder(
            request=request,
            view=view,
            name=page_digest(prefix, path),
            encoding=encoding,
        )
        with claim_build_lock(builder.lock):
            response = read_or_build(PageRequest(builder))
        expiry = getattr(response, "expiry", None)
        if builder.built or expiry is None or expiry > current_time():
            return response
        prefix = page_digest(prefix, expiry)


def batch_cache_writes() -> AbstractContextManager[None]:
    """Sends a page, its fragments and the release of its lock to Redis in one round trip.

    It happens after the response has been sent.
    """
    cache = caches["pages"]
    return cache.batch_writes() if isinstance(cache, PageCache) else nullcontext()


def claim_build_lock(lock: str) -> AbstractContextManager[None]:
    """Makes a cache miss also take the lock for building the page, in one round trip."""
    cache = caches["pages"]
    return cache.lock_on_miss(lock) if isinstance(cache, PageCache) else nullcontext()


def audience_digest(viewer: Any, *more: object) -> str:
    """Returns a digest of everything about the viewer that may change a page."""
    permissions = "every" if viewer.is_superuser else sorted(viewer.get_all_permissions())
    return page_digest(viewer.is_staff, permissions, timezone.get_current_timezone_name(), more)


def request_generations(request) -> Generations:
    """Returns the generations, which were read before the page's data and from the same server:
    with the viewer, or in the replica's snapshot.
    """
    servers = current_servers.get()
    if servers and servers.reading:
        return servers.generations
    viewer = request.user
    if hasattr(viewer, "generations"):
        return generation.parse_generations(viewer.generations)
    return generation.current_generations()


def accepted_encoding(request) -> str:
    """Returns the best compression that the client accepts: br, gzip or ""."""
    accepted = request.headers.get("Accept-Encoding", "").replace(" ", "").lower()
    offers = [offer.partition(";") for offer in accepted.split(",")]
    takes = {name for name, _, weight in offers if weight.rstrip("0.") != "q="}
    return next((name for name in ("br", "gzip") if name in takes), "")


def canonical_path(request) -> str:
    """Returns path and query string, with the parameters sorted."""
    pairs = sorted((name, value) for name, values in request.GET.lists() for value in values)
    return f"{escape_uri_path(request.path)}?{urlencode(pairs)}"


def view_label(request) -> str:
    match = request.resolver_match
    name = match.view_name if match else ""
    return f"{name} part" if is_partial(request) else name


def page_digest(*parts: object) -> str:
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


# --- building: once for concurrent requests -------------------------------------------------------


@dataclass
class PendingBuild:
    """A page that one thread builds, and for which other threads of the process wait."""

    done: threading.Event = field(default_factory=threading.Event)
    answer: StoredResponse | None = None


PENDING_BUILDS: dict[str, PendingBuild] = {}


@dataclass
class PageBuilder:
    """Builds a page that is not cached. `name`: a digest of all that the page depends on."""

    request: Any
    view: PageView
    name: str
    encoding: str
    built: bool = False

    @property
    def lock(self) -> str:
        return f"building:{self.name}"

    def __call__(self) -> HttpResponse:
        mine = PendingBuild()
        pending = PENDING_BUILDS.setdefault(self.name, mine)
        if pending is not mine:
            return self.await_thread(pending) or self.build()
        alone = is_only_builder(self.lock)
        try:
            found = None if alone else self.await_process()
            response = found or self.build()
            if isinstance(response, StoredResponse):
                mine.answer = copy_response(response)
            return response
        finally:
            PENDING_BUILDS.pop(self.name, None)
            mine.done.set()
            if alone:
                caches["pages"].delete(self.lock)

    def await_thread(self, pending: PendingBuild) -> StoredResponse | None:
        """Returns the page that another thread builds, or None if it takes too long or fails."""
        if not pending.done.wait(BUILD_WAIT_SECONDS) or pending.answer is None:
            return None
        return self.without_storing(copy_response(pending.answer))

    def await_process(self) -> StoredResponse | None:
        """Returns the page that another process builds, or None if it takes too long."""
        cache = caches["pages"]
        page_request: Any = PageRequest(self)
        deadline = time.monotonic() + BUILD_WAIT_SECONDS
        pause = FIRST_PAUSE_SECONDS
        while time.monotonic() < deadline:
            threading.Event().wait(pause)
            pause = min(2 * pause, LAST_PAUSE_SECONDS)
            key = get_cache_key(page_request, "", "GET", cache=cache)
            if key and (response := cache.get(key)) is not None:
                return self.without_storing(response)
        return None

    def without_storing(self, response: StoredResponse) -> StoredResponse:
        """Returns the response, marked so that the decorator does not store it again."""
        timing.record_outcome(view_label(self.request), "shared")
        patch_cache_control(response, max_age=0)
        return response

    def build(self) -> HttpResponse:
        """Builds the page. Responses with a cookie or another status than 200 are not cached."""
        timing.record_outcome(view_label(self.request), "miss")
        self.built = True
        with timing.measure_layer("build"):
            response, expiry, row_count = self.view(self.request)
        masking.mask_response(self.request, response)
        if response.cookies or response.status_code != 200:
            patch_cache_control(response, max_age=0)
            return response
        with timing.measure_layer("compress"):
            compress_response(response, self.encoding)
        stored = StoredResponse(response.content, headers=dict(response.items()))
        stored.expiry = expiry
        stored.row_count = row_count
        patch_cache_control(stored, max_age=page_lifetime(expiry))
        return stored


class PageRequest:
    """A request as Django's cache decorator reads it, with the name of the page as its address."""

    def __init__(self, builder: PageBuilder):
        request = builder.request
        self.builder = builder
        # Also for a HEAD request, so that GET and HEAD share one cache entry.
        self.method = "GET"
        self.META = request.META
        self.COOKIES = request.COOKIES
        self.headers = request.headers

    def build_absolute_uri(self) -> str:
        return self.builder.name


# Decorated once: decorating takes longer than reading a page. The name of the page stands in for
# its URL.
@cache_page(None, cache="pages", key_prefix="")
def read_or_build(page_request: Any) -> HttpResponse:
    """Returns the cached page of a PageRequest, or builds it."""
    return page_request.builder()


def is_only_builder(lock: str) -> bool:
    """Returns whether no other process builds the page; if so, this process holds the lock."""
    cache = caches["pages"]
    if isinstance(cache, PageCache):
        return cache.may_build()
    return cache.add(lock, 1, CLAIM_SECONDS)


def page_lifetime(expiry: datetime | None) -> int:
    """Returns the seconds for which a page is cached; 0 if it expires within a second."""
    if expiry is None:
        return PAGE_SECONDS
    seconds = int((expiry - current_time()).total_seconds())
    return max(0, min(seconds, PAGE_SECONDS))


def copy_response(response: StoredResponse) -> StoredResponse:
    """Returns a copy for another thread, which may add its own headers."""
    copied = StoredResponse(response.content, headers=dict(response.items()))
    copied.expiry = response.expiry
    copied.row_count = response.row_count
    return copied


def compress_for_viewer(request, response: HttpResponse) -> HttpResponse:
    """Masks and compresses a page that is not cached, and returns it. It may hold no CSRF token and
    no other secret (BREACH).
    """
    masking.mask_response(request, response)
    compress_response(response, accepted_encoding(request))
    patch_vary_headers(response, ("Accept-Encoding",))
    return response


def compress_response(response: HttpResponse, encoding: str) -> None:
    """Compresses the content once, before it is cached. A hit sends the stored bytes."""
    if not encoding or len(response.content) < COMPRESS_MIN_BYTES:
        return
    if encoding == "br":
        response.content = brotli.compress(response.content, quality=3)
    else:
        response.content = gzip.compress(response.content, 2)
    response["Content-Encoding"] = encoding
