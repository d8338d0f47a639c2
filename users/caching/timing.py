"""Where the time of a request goes: a Server-Timing header for staff with the right to it, and
figures of each web process.

Spans are wall-clock times in seconds of named layers; a layer inside of another counts in both.
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

logger = logging.getLogger(__name__)
REPORT_SECONDS = 15.0  # seconds between two reports of a process
PROCESS_EXPIRY = timedelta(hours=1)
LAYERS = ("session", "viewer", "cache", "build", "rows", "compress", "total")


class RequestTimes:
    """Of one request: seconds by layer; how the page came (`outcome`: hit, miss, shared or passed
    by) and of which view.
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.view = ""
        self.outcome = ""
        self.viewer: Any = None  # once somebody has been loaded; nobody is for this
        self.began = time.perf_counter()


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


def note_outcome(view: str, how: str) -> None:
    if times := current_times.get():
        times.view = view
        times.outcome = how


def note_viewer(viewer: Any) -> None:
    if times := current_times.get():
        times.viewer = viewer


class TimingMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        times = RequestTimes()
        token = current_times.set(times)
        try:
            response = self.get_response(request)
        finally:
            current_times.reset(token)
        times.seconds["total"] = time.perf_counter() - times.began
        if times.view:
            PROCESS_FIGURES.note(times)
        if (
            times.viewer is not None
            and response.status_code < 500
            and access.may(times.viewer, "view_caching")
        ):
            response["Server-Timing"] = timing_header(times)
        return response


def timing_header(times: RequestTimes) -> str:
    parts = [
        f"{layer};dur={times.seconds[layer] * 1000:.2f}"
        for layer in LAYERS
        if layer in times.seconds
    ]
    return ", ".join([f'page;desc="{times.outcome}"', *parts] if times.outcome else parts)


class ProcessFigures:
    """What this process has answered since it began: by view, how often each outcome, and seconds
    by layer.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self.views: dict[str, Counter[str]] = defaultdict(Counter)
        self.told = time.monotonic()
        self.pid = os.getpid()

    def note(self, times: RequestTimes) -> None:
        with self.lock:
            if self.pid != os.getpid():  # forked from a process that had answered already
                self.forget()
            figures = self.views[times.view]
            figures[times.outcome] += 1
            for layer, seconds in times.seconds.items():
                figures[f"{times.outcome} {layer}"] += round(seconds * 1e6)  # microseconds

    def due(self) -> dict[str, Any] | None:
        """What there is to tell, every TELL seconds."""
        if time.monotonic() - self.told < REPORT_SECONDS or not self.views:
            return None
        with self.lock:
            self.told = time.monotonic()
            return {view: dict(figures) for view, figures in self.views.items()}


PROCESS_FIGURES = ProcessFigures()


def store_figures(**_: object) -> None:
    """Writes this process's row, once its answer has left. The figures are comfort: without a
    database there are none.
    """
    figures = PROCESS_FIGURES.due()
    if figures is None:
        return
    now = timezone.now()
    name = f"{socket.gethostname()[:100]}:{os.getpid()}"
    try:
        with transaction.atomic():
            WebProcess._default_manager.update_or_create(
                name=name, defaults={"at": now, "figures": figures}
            )
            WebProcess._default_manager.filter(at__lt=now - PROCESS_EXPIRY).delete()
    except DatabaseError as error:
        logger.warning("The figures of this process were not saved: %s", type(error).__name__)


request_finished.connect(store_figures, dispatch_uid="users.caching.timing")
