"""Measures requests by layer: for a Server-Timing header, for figures of each web process and for
the metrics.

Staff with the permission get the header. The time of a layer is wall-clock time in seconds; a layer
within another counts in both.
"""

import logging
import os
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from django.core.signals import request_finished
from django.db import DatabaseError, transaction
from django.utils import timezone

from users import access
from users.caching.models import WebProcess
from users.metrics.access_log import log_request
from users.metrics.query_count import queries_so_far
from users.metrics.requests import NO_VIEW, observe_request

logger = logging.getLogger(__name__)
# The time between two reports of a process.
REPORT_SECONDS = 15.0
PROCESS_EXPIRY = timedelta(hours=1)
LAYERS = ("session", "viewer", "cache", "build", "rows", "compress", "total")


class RequestTimes:
    """The measurements of one request."""

    def __init__(self, request: Any) -> None:
        self.request = request
        # Seconds by layer.
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.view = ""
        # How the page was answered: hit, miss, shared or bypassed.
        self.outcome = ""
        # Set when the request loads its viewer.
        self.viewer: Any = None
        # Reads of the caches by layer and outcome.
        self.reads: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.queries_before = queries_so_far()
        self.began = time.perf_counter()

    @property
    def queries(self) -> int:
        """The number of statements that this request has sent to the database."""
        return queries_so_far() - self.queries_before


thread = threading.local()
current_times: ContextVar[RequestTimes | None] = ContextVar("times", default=None)


@contextmanager
def measure_layer(layer: str) -> Iterator[None]:
    times = current_times.get()
    if times is None:
        yield
        return
    began = time.perf_counter()
    try:
        yield
    finally:
        times.seconds[layer] += time.perf_counter() - began


def record_outcome(view: str, outcome: str) -> None:
    if times := current_times.get():
        times.view = view
        times.outcome = outcome


def note_reads(layer: str, outcome: str, number: int = 1) -> None:
    if number and (times := current_times.get()):
        times.reads[layer, outcome] += number


def note_viewer(viewer: Any) -> None:
    if times := current_times.get():
        times.viewer = viewer


class TimingMiddleware:
    """Measures each request and reports its times in a header."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        times = RequestTimes(request)
        token = current_times.set(times)
        try:
            response = self.get_response(request)
        finally:
            current_times.reset(token)
        times.seconds["total"] = time.perf_counter() - times.began
        count_request(response, times)
        if times.view:
            PROCESS_FIGURES.add(times)
        # A probe never reaches the database, and a request that it has failed does not ask again.
        thread.may_report = bool(times.view) and response.status_code < 500
        if response.status_code < 500 and may_see_times(times.viewer):
            response["Server-Timing"] = timing_header(times)
        return response


def count_request(response, times: RequestTimes) -> None:
    """Counts the request for the metrics, and logs its line."""
    if times.outcome:
        times.reads["page", times.outcome] += 1
    view = request_view(times.request)
    status = response.status_code
    seconds = times.seconds["total"]
    observe_request(view, status, seconds, times.queries, times.reads)
    log_request(
        method=times.request.method,
        view=view,
        status=status,
        seconds=seconds,
        queries=times.queries,
        actor_id=times.viewer.pk if times.viewer else None,
    )


def request_view(request) -> str:
    """Returns the name of the view that the request reached, which names nobody."""
    match = request.resolver_match
    return match.view_name if match else NO_VIEW


def may_see_times(viewer: Any) -> bool:
    return viewer is not None and access.may(viewer, "view_status")


def timing_header(times: RequestTimes) -> str:
    seconds = times.seconds
    parts = [f"{name};dur={seconds[name] * 1000:.2f}" for name in LAYERS if name in seconds]
    if times.outcome:
        parts.insert(0, f'page;desc="{times.outcome}"')
    return ", ".join(parts)


class ProcessFigures:
    """The answers of this process since its start, by view.

    A view has the number of answers by outcome, and microseconds by outcome and layer.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.views: dict[str, Counter[str]] = defaultdict(Counter)
        self.reported = time.monotonic()
        self.pid = os.getpid()

    def add(self, times: RequestTimes) -> None:
        with self.lock:
            if self.pid != os.getpid():
                # This process was forked from one that has figures already.
                self.reset()
            figures = self.views[times.view]
            figures[times.outcome] += 1
            for layer, seconds in times.seconds.items():
                figures[f"{times.outcome} {layer}"] += round(seconds * 1e6)

    def due_report(self) -> dict[str, Any] | None:
        """Returns the figures every REPORT_SECONDS, when a report is due; otherwise None."""
        if time.monotonic() - self.reported < REPORT_SECONDS or not self.views:
            return None
        with self.lock:
            self.reported = time.monotonic()
            return {view: dict(figures) for view, figures in self.views.items()}


PROCESS_FIGURES = ProcessFigures()


def store_figures(**_: object) -> None:
    """Saves the figures of this process after a response has been sent.

    It is best effort: database errors are only logged.
    """
    figures = PROCESS_FIGURES.due_report() if getattr(thread, "may_report", False) else None
    if figures is None:
        return
    now = timezone.now()
    name = f"{socket.gethostname()[:100]}:{os.getpid()}"
    report = {"at": now, "figures": figures}
    rows = WebProcess._default_manager
    try:
        with transaction.atomic():
            rows.update_or_create(name=name, defaults=report)
            rows.filter(at__lt=now - PROCESS_EXPIRY).delete()
    except DatabaseError as error:
        logger.warning("The figures of this process were not saved: %s", type(error).__name__)


request_finished.connect(store_figures, dispatch_uid="users.caching.timing")
