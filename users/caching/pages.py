"""Whole pages from the cache: never stale, and never somebody else's.

A page is stored under the generations of everything that it shows, read before its data, and under
the audience that it was made for. So nothing is ever taken out of the cache: what is old or
another's simply is not found. What belongs to the viewer alone (name, messages, token) stands in no
stored page.
"""

import gzip
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode

import brotli
from django.conf import settings
from django.contrib.messages import get_messages
from django.core.cache import caches
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.cache import get_cache_key, get_max_age, patch_cache_control, patch_vary_headers
from django.utils.encoding import escape_uri_path
from django.views.decorators.cache import cache_page

from users import masking
from users.caching import generation, timing
from users.caching.backend import CLAIM_SECONDS, PageCache
from users.caching.generation import Generations
from users.web.partials import is_partial

# what soft columns may be late; with the memory of each process in front, less than a minute
PAGE_SECONDS = 50
BUILD_WAIT_SECONDS = 0.3  # seconds to wait for somebody who builds the same page already
COMPRESS_MIN_BYTES = 400  # bytes that are not worth compressing
EXPIRY_HEADER = (
    "Turn"  # header of a kept page, never sent: the moment from which on it says something else
)
PageView = Callable[[Any], HttpResponse]


def cached_page(
    request, view: PageView, *, shows: tuple[str, ...], also: object = None
) -> HttpResponse:
    """The answer of `view`, from the cache if it is there.

    `shows`: names of the generations that the page depends on. `also`: whatever else of the viewer
    changes it, beside their permissions. The view may not look at anything else of the viewer, and
    asks for the token of no form.
    """
    if bypasses_cache(request):
        timing.note_outcome(view_label(request), "passed by")
        response = view(request)
        del response[EXPIRY_HEADER]
        return response
    encoding = accepted_encoding(request)
    variant = "part" if is_partial(request) else "page"
    prefix = page_digest(
        request_generations(request).of(*shows),
        audience_digest(request.user, also),
        variant,
        encoding,
        timezone.localdate(),
    )
    request.build_absolute_uri = lambda location=None: canonical_path(request)
    try:
        with timing.measure_layer("cache"), batch_cache_writes() as later:
            response = get_or_build(request, view, prefix, encoding)
    finally:
        del request.build_absolute_uri
    for send in later:
        call_when_sent(response, send)
    for header in (
        "Expires",
        "Age",
        EXPIRY_HEADER,
    ):  # the first two Django adds for caches on the way; there are none
        del response[header]
    patch_vary_headers(response, ("HX-Request", "Accept-Encoding", "Cookie"))
    if settings.CSRF_COOKIE_NAME not in request.COOKIES:
        get_token(request)  # forms that HTMX sends take it from the cookie
    return response


def bypasses_cache(request) -> bool:
    """Whether the page is made for this request alone: it shows messages, or its templates may
    change under it.
    """
    return settings.DEBUG or bool(len(get_messages(request)))


def get_or_build(request, view: PageView, prefix: str, encoding: str) -> HttpResponse:
    """The page under `prefix`, built if need be. How long a cache keeps it is rough (it is stored
    some time after its data was read, and remembered by processes): one whose turn has come gives
    way to a page under a key of its own.
    """
    while True:
        timing.note_outcome(view_label(request), "hit")
        builder = PageBuilder(
            view, prefix, encoding, page_digest(prefix, request.method, canonical_path(request))
        )
        with claim_build_lock(builder.lock):
            response = cache_page(None, cache="pages", key_prefix=prefix)(builder)(request)
        if (
            builder.built
            or not (turn := response.get(EXPIRY_HEADER))
            or datetime.fromisoformat(turn) > timezone.now()
        ):
            return response
        prefix = page_digest(prefix, turn)


def batch_cache_writes() -> AbstractContextManager[list[Callable[[], None]]]:
    """Redis hears of a page, its pieces and the end of its lock at once, and when the page is on
    its way.
    """
    cache = caches["pages"]
    return cache.together() if isinstance(cache, PageCache) else nullcontext([])


def claim_build_lock(lock: str) -> AbstractContextManager[None]:
    """Redis says at once that it has no page, and whether anybody makes it."""
    cache = caches["pages"]
    return cache.claiming(lock) if isinstance(cache, PageCache) else nullcontext()


def call_when_sent(response: HttpResponse, call: Callable[[], None]) -> None:
    """When the server is done with the answer."""
    close = response.close

    def closing() -> None:
        try:
            close()
        finally:
            call()

    response.close = closing  # type: ignore[method-assign]


def expire_at(response: HttpResponse, moment: datetime | None) -> HttpResponse:
    """The same answer, not to be shown any more from `moment` on: then it will say something else
    by itself.
    """
    if moment is not None:
        response[EXPIRY_HEADER] = moment.isoformat()
        seconds = (moment - timezone.now()).total_seconds()
        patch_cache_control(response, max_age=max(0, min(int(seconds), PAGE_SECONDS)))
    return response


def audience_digest(viewer: Any, *also: object) -> str:
    """A digest of everything about the viewer that may change what a page shows."""
    rights = "every" if viewer.is_superuser else sorted(viewer.get_all_permissions())
    return page_digest(viewer.is_staff, rights, timezone.get_current_timezone_name(), also)


def request_generations(request) -> Generations:
    """Read in the query that loaded the viewer, before anything else of the page."""
    viewer = request.user
    return (
        generation.parse_generations(viewer.generations)
        if hasattr(viewer, "generations")
        else generation.current_generations()
    )


def accepted_encoding(request) -> str:
    """The best compression that the client takes: br, gzip or ""."""
    offered = request.headers.get("Accept-Encoding", "").replace(" ", "").lower().split(",")
    takes = {
        name
        for name, _, weight in (part.partition(";") for part in offered)
        if weight.rstrip("0.") != "q="
    }
    return next((name for name in ("br", "gzip") if name in takes), "")


def canonical_path(request) -> str:
    """Path and query, whatever the order of the parameters. The host is no part of what a page
    shows.
    """
    pairs = sorted((name, value) for name, values in request.GET.lists() for value in values)
    return f"{escape_uri_path(request.path)}?{urlencode(pairs)}"


def view_label(request) -> str:
    match = request.resolver_match
    return (match.view_name if match else "") + (" part" if is_partial(request) else "")


def page_digest(*parts: object) -> str:
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


# --- building: once, however many ask -------------------------------------------------------------


@dataclass
class PendingBuild:
    """A page that a thread of this process builds, for the others that want the same."""

    done: threading.Event = field(default_factory=threading.Event)
    answer: tuple[bytes, dict[str, str]] | None = None


PENDING_BUILDS: dict[str, PendingBuild] = {}


@dataclass
class PageBuilder:
    """What stands behind Django's decorator: called when the page is not in the cache."""

    view: PageView
    prefix: str
    encoding: str
    name: str
    built: bool = False

    @property
    def lock(self) -> str:
        return f"building:{self.name}"

    def __call__(self, request) -> HttpResponse:
        name = self.name
        mine = PendingBuild()
        flight = PENDING_BUILDS.setdefault(name, mine)
        if flight is not mine:
            return self.shared(request, flight) or self.build(request)
        cache = caches["pages"]
        alone = (
            cache.claimed()
            if isinstance(cache, PageCache)
            else cache.add(self.lock, 1, CLAIM_SECONDS)
        )
        try:
            response = None if alone else self.built_elsewhere(request)
            response = response or self.build(request)
            if response.status_code == 200 and not response.cookies:
                mine.answer = response.content, dict(response.items())
            return response
        finally:
            PENDING_BUILDS.pop(name, None)
            mine.done.set()
            if alone:
                cache.delete(self.lock)

    def shared(self, request, flight: PendingBuild) -> HttpResponse | None:
        """The answer of another thread, or None where it takes too long or failed."""
        if not flight.done.wait(BUILD_WAIT_SECONDS) or flight.answer is None:
            return None
        content, headers = flight.answer
        return self.not_ours(request, HttpResponse(content, headers=headers))

    def built_elsewhere(self, request) -> HttpResponse | None:
        """What another process stores while we wait, or None where it takes too long."""
        cache = caches["pages"]
        deadline = time.monotonic() + BUILD_WAIT_SECONDS
        pause = threading.Event()
        while time.monotonic() < deadline:
            pause.wait(0.01)
            key = get_cache_key(request, self.prefix, "GET", cache=cache)
            if key and (response := cache.get(key)) is not None:
                return self.not_ours(request, response)
        return None

    @staticmethod
    def not_ours(request, response: HttpResponse) -> HttpResponse:
        timing.note_outcome(view_label(request), "shared")
        request._cache_update_cache = False  # who built it stores it
        return response

    def build(self, request) -> HttpResponse:
        timing.note_outcome(view_label(request), "miss")
        self.built = True
        with timing.measure_layer("build"):
            response = self.view(request)
        masking.mask_response(request, response)
        if get_max_age(response) is None:
            patch_cache_control(response, max_age=PAGE_SECONDS)
        if response.cookies or response.status_code != 200:
            patch_cache_control(response, max_age=0)  # a cookie is somebody's own
            return response
        with timing.measure_layer("compress"):
            compress_response(response, self.encoding)
        return response


def compress_response(response: HttpResponse, encoding: str) -> None:
    """Once, when it is stored; a hit sends the bytes as they are."""
    if not encoding or len(response.content) < COMPRESS_MIN_BYTES:
        return
    squeeze = {
        "br": lambda content: brotli.compress(content, quality=2),
        "gzip": lambda content: gzip.compress(content, 2),
    }
    response.content = squeeze[encoding](response.content)
    response["Content-Encoding"] = encoding
