"""Runs calls in parallel threads with their own connections, for tests with `transaction=True`."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
    "current_database()"
)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Starts all calls at the same moment. Returns their results or exceptions in order."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=120)
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def until_somebody_waits() -> None:
    """Waits until another connection to this PostgreSQL database waits for a lock.

    Raises AssertionError after two minutes.
    """
    with connection.cursor() as cursor:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:  # the round trips are pause enough
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits for a lock")
