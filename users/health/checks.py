"""One function per thing that Rollcall leans on: "ok", or what is wrong in words that may be shown
to anybody.
"""

from datetime import timedelta
from typing import Any

from django.core.cache import caches
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from users.caching.backend import PageCache
from users.jobs.models import WorkerBeat
from users.jobs.queue.task_queue import CLUSTERS

OK = "ok"
SILENCE_LIMIT = timedelta(seconds=60)
# Of a beat whose time lies ahead: the database's clock was set back, or someone wrote the row.
CLOCK_TOLERANCE = timedelta(seconds=5)


def check_database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        return "not reachable"
    return OK


def check_cache() -> str:
    """Writes and reads back: a full or read-only server answers a ping all the same."""
    pages = caches["pages"]
    try:
        if isinstance(pages, PageCache):
            pages.probe()
    except Exception:  # whatever the client raises, the pages come without it
        return "not reachable, or not storing values"
    return OK


def check_workers() -> str:
    """Each cluster must have run a task of ours within the last minute."""
    try:
        # Beats have the database's time, and so has this: hosts' clocks differ.
        beats = {beat.cluster: beat for beat in WorkerBeat.objects.annotate(now=Now())}
    except DatabaseError:
        return "unknown"
    states = {name: beat_state(beats.get(name)) for name in CLUSTERS}
    return "; ".join(f"{name} {state}" for name, state in states.items() if state != OK) or OK


def beat_state(beat: Any) -> str:
    if beat is None:
        return "never seen"
    if beat.now - beat.at > SILENCE_LIMIT:
        return f"not seen since {beat.at:%Y-%m-%d %H:%M:%S} UTC"
    if beat.at - beat.now > CLOCK_TOLERANCE:
        return f"seen in the future, at {beat.at:%Y-%m-%d %H:%M:%S} UTC"
    return OK
