"""One function per thing that Rollcall leans on: "ok", or what is wrong in words that may be shown
to anybody.
"""

from datetime import timedelta

from django.core.cache import caches
from django.db import DatabaseError, connection
from django.utils import timezone

from users.caching.backend import PageCache
from users.jobs.models import WorkerBeat
from users.jobs.queue.task_queue import CLUSTERS

OK = "ok"
SILENCE_LIMIT = timedelta(seconds=60)


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
        beats = dict(WorkerBeat.objects.values_list("cluster", "at"))
    except DatabaseError:
        return "unknown"
    now = timezone.now()
    late = [
        f"{name} {silent_since(beats.get(name))}"
        for name in CLUSTERS
        if name not in beats or now - beats[name] > SILENCE_LIMIT
    ]
    return "; ".join(late) or OK


def silent_since(at) -> str:
    return f"not seen since {at:%Y-%m-%d %H:%M:%S} UTC" if at else "never seen"
