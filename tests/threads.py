"""Things done at once, in real threads with connections of their own: for tests with
`transaction=True`.
"""

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
    """What each call returned or raised, in their order. All begin together."""
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
    """Returns once another connection to this PostgreSQL database waits for a lock. Raises
    AssertionError after a while.
    """
    with connection.cursor() as cursor:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:  # each round trip is the pause
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits for a lock")
