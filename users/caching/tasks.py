"""What workers do about caches."""

from django.conf import settings
from django.core.cache import caches
from django.db import connections
from django.utils import timezone


def flush_pages() -> None:
    """Empties the cache of pages: after an erasure, so that what nobody can find any more is not
    there either.
    """
    caches["pages"].clear()


def purge_expired() -> None:
    """Every minute: drops what has run out in the database's cache, which would stand there until
    something else needs its place. Rate limits hold the addresses that people came from.
    """
    connection = connections["default"]
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {settings.CACHES['default']['LOCATION']} WHERE expires < %s",  # noqa: S608
            [now],
        )
