"""The cache alias `default`: Django's cache in a table of the database, with entries of packing.py
in place of pickles.

It holds what must not be lost with Redis, such as counts of failed sign-ins. So no entry gives way
to others, however many there are; expired ones go every minute (users/caching/tasks.py).
"""

import base64
import binascii
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache as DjangoDatabaseCache
from django.db import connections, router

from users.caching.packing import WRONG_ENTRIES, WrongEntryError, pack_value, unpack_value
from users.database.clock import DATABASE_CLOCK, current_time

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
# Each mode's statement, whose parameters are key, value and expiry, then the time now.
SET_SQL = (
    "INSERT INTO {table} AS kept (cache_key, value, expires) VALUES (%s, %s, %s) "
    "ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
)
ADD_SQL = f"{SET_SQL} WHERE kept.expires <= %s"
READ_SQL = "SELECT cache_key, value FROM {table} WHERE expires > %s AND cache_key IN ({keys})"
TOUCH_SQL = "UPDATE {table} SET expires = %s WHERE cache_key = %s AND expires > %s"


class DatabaseCache(DjangoDatabaseCache):
    """Reads and writes entries by statements of its own; deletes them as Django does."""

    _table: str  # set by Django

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        names = {self.make_and_validate_key(key, version=version): key for key in keys}
        if not names:
            return {}
        sql = READ_SQL.replace("{keys}", ", ".join(["%s"] * len(names)))
        alias = router.db_for_read(self.cache_model_class)
        with connections[alias].cursor() as cursor:
            cursor.execute(
                sql.format(table=self._table), [stored_time(alias, current_time()), *names]
            )
            rows = cursor.fetchall()
        found = {}
        for name, text in rows:
            try:
                found[names[name]] = unpack_value(name, decode_entry(text))
            except WrongEntryError:
                WRONG_ENTRIES.note("cache in the database")
        return found

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        """Stores an entry. Django's set, add and touch call this, with their name as `mode`."""
        alias = router.db_for_write(self.cache_model_class)
        seconds = self.get_backend_timeout(timeout)
        with connections[alias].cursor() as cursor:
            # Opening the connection compares the clocks.
            now = stored_time(alias, current_time())
            expires = stored_time(alias, NEVER if seconds is None else expiry_time(seconds))
            if mode == "touch":
                cursor.execute(TOUCH_SQL.format(table=self._table), [expires, key, now])
            else:
                entry = base64.b64encode(pack_value(key, value)).decode()
                sql = ADD_SQL if mode == "add" else SET_SQL
                more = [now] if mode == "add" else []
                cursor.execute(sql.format(table=self._table), [key, entry, expires, *more])
            return bool(cursor.rowcount)


def expiry_time(seconds: float) -> datetime:
    """Returns an expiry in seconds since 1970, which Django computes by the clock of this host, as
    a time by the database's clock.
    """
    return datetime.fromtimestamp(seconds + DATABASE_CLOCK.seconds_ahead(), UTC)


def stored_time(alias: str, moment: datetime) -> Any:
    return connections[alias].ops.adapt_datetimefield_value(moment)


def decode_entry(text: str) -> bytes:
    """Returns the bytes of a stored entry. Raises WrongEntryError."""
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise WrongEntryError from error
