"""Background tasks that clean the caches."""

from django.conf import settings
from django.core.cache import caches
from django.db import connections

from users.database.clock import current_time


def flush_pages() -> None:
    """Empties the page cache. Runs after an erasure.

    Outdated pages, which no request finds any more, would still contain the person's data.
    """
    caches["pages"].clear()


def purge_expired() -> None:
    """Deletes expired entries of the database cache. Runs every minute.

    Django deletes them only when it needs room, and rate limits contain people's IP addresses.
    """
    connection = connections["default"]
    now = connection.ops.adapt_datetimefield_value(current_time())
    table = settings.CACHES["default"]["LOCATION"]
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [now])  # noqa: S608
