"""Measures what counting requests costs: one process answers the same requests with and without it.

Two web processes with the same code differ by more than the counting costs.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple
from unittest.mock import patch

from django.db import connection
from django.test import Client

from users.caching import timing
from users.metrics.query_count import count_query
from users.metrics.slots import take_slot
from users.models import User

WARM_UP = 50
REQUESTS = 2000


class CountingCost(NamedTuple):
    """Medians of the CPU seconds of a request."""

    with_it: float
    without: float

    @property
    def seconds(self) -> float:
        return self.with_it - self.without


def measure_counting(path: str) -> CountingCost:
    """Returns what counting adds to a request for a cached page. The process counts into the files
    of a slot, as web processes do.
    """
    take_slot()
    client = Client(HTTP_HOST="localhost")
    root = User.objects.filter(is_superuser=True).earliest("pk")
    client.force_login(root, backend="users.signin.auth_backend.Backend")
    for _ in range(WARM_UP):
        client.get(path)
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * REQUESTS):
        # Each twice in a row, so that the extra work of every second request is in both.
        if number % 4 in (0, 3):
            seconds[True].append(cpu_seconds(lambda: client.get(path)))
            continue
        with without_counting():
            seconds[False].append(cpu_seconds(lambda: client.get(path)))
    return CountingCost(median(seconds[True]), median(seconds[False]))


def cpu_seconds(action: Callable[[], object]) -> float:
    started = time.process_time()
    action()
    return time.process_time() - started


@contextmanager
def without_counting() -> Iterator[None]:
    wrappers = [each for each in connection.execute_wrappers if each is not count_query]
    with (
        patch.object(timing, "observe_request", lambda *values: None),
        patch.object(timing, "note_reads", lambda layer, outcome, number=1: None),
        patch.object(connection, "execute_wrappers", wrappers),
    ):
        yield
