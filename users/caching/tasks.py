"""Tasks that workers run on the caches."""

from django.conf import settings
from django.core.cache import caches
from django.db import connections
from django.utils import timezone


def flush_pages() -> None:
    """Empties the cache of pages. Runs after an erasure, so that pages that nobody can find any
    more do not hold the person's data either.
    """
    caches["pages"].clear()


def purge_expired() -> None:
    """Deletes expired entries of the database's cache. Runs every minute: an entry would stay until
    another one needs its place, and rate limits hold the IP addresses that people came from.
    """
    connection = connections["default"]
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    table = settings.CACHES["default"]["LOCATION"]
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [now])  # noqa: S608
