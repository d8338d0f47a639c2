"""Background tasks that clean the caches."""

import time

from django.conf import settings
from django.core.cache import caches
from django.db import connections

from users.database.batch_deletes import BATCH_SIZE, RUN_SECONDS
from users.database.clock import current_time

PURGE_SQL = """
    DELETE FROM {table} WHERE expires < %s AND cache_key IN
        (SELECT cache_key FROM {table} WHERE expires < %s ORDER BY expires LIMIT %s)
"""


def flush_pages() -> None:
    """Empties the page cache. Runs after an erasure.

    Outdated pages, which no request finds any more, would still contain the person's data.
    """
    caches["pages"].clear()


def purge_expired() -> None:
    """Deletes expired entries of the database cache, in batches. Runs every minute.

    Django deletes them only when it needs room, and rate limits contain people's IP addresses.
    """
    connection = connections["default"]
    now = connection.ops.adapt_datetimefield_value(current_time())
    sql = PURGE_SQL.format(table=settings.CACHES["default"]["LOCATION"])
    deadline = time.monotonic() + RUN_SECONDS
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            # An entry may be renewed at this moment, so the statement has the condition twice.
            cursor.execute(sql, [now, now, BATCH_SIZE])
            if cursor.rowcount < BATCH_SIZE:
                break
