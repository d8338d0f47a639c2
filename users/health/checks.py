"""Checks of the services that Rollcall depends on.

Each returns "ok", or a description of the problem that anybody may see.
"""

from datetime import timedelta

from django.core.cache import caches
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from users.caching.backend import PageCache
from users.jobs.models import WorkerBeat
from users.jobs.queue.task_queue import CLUSTERS

OK = "ok"
SILENCE_LIMIT = timedelta(seconds=60)
# A beat further ahead than this: the database's clock was set back, or someone wrote the row.
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
    """Writes a value and reads it back, because a full or read-only server still answers a ping."""
    pages = caches["pages"]
    try:
        if isinstance(pages, PageCache):
            pages.probe()
    except Exception:
        # Pages work without the cache, so no exception of the client may propagate.
        return "not reachable, or not storing values"
    return OK


def check_workers() -> str:
    """Requires that each cluster has run a task within the last minute."""
    try:
        # Beats have the database's time, and so has `now`: hosts' clocks differ.
        beats = {beat.cluster: beat for beat in WorkerBeat.objects.annotate(now=Now())}
    except DatabaseError:
        return "unknown"
    problems = []
    for name in CLUSTERS:
        beat = beats.get(name)
        if beat is None:
            problems.append(f"{name} never seen")
        elif beat.now - beat.at > SILENCE_LIMIT:
            problems.append(f"{name} not seen since {beat.at:%Y-%m-%d %H:%M:%S} UTC")
        elif beat.at - beat.now > CLOCK_TOLERANCE:
            problems.append(f"{name} seen in the future, at {beat.at:%Y-%m-%d %H:%M:%S} UTC")
    return "; ".join(problems) or OK
