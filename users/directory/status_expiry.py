"""The next scheduled change of status: the earliest future `suspended_until` or `valid_until`.

Cached pages must expire then, because no write announces it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.core.cache import caches
from django.db import connections, router
from django.db.models.expressions import RawSQL

from users.caching.generation import ACCOUNTS, Generations
from users.database.clock import current_time
from users.database.prepared_statements import prepared_cursor
from users.models import User

EXPIRY_COLUMNS = ("suspended_until", "valid_until")
CACHE_SECONDS = 3600
NEXT_EXPIRY_SQL = {
    column: f"(SELECT min({column}) FROM users_user WHERE {column} > %s)"  # noqa: S608
    for column in EXPIRY_COLUMNS
}


def next_status_change(generations: Generations) -> datetime | None:
    """Returns the next moment at which some account changes its status, or None.

    Queries the database once for each generation of the accounts.
    """
    cache = caches["pages"]
    key = f"status_change:{generations.of(ACCOUNTS)}"
    known = cache.get(key)
    moment = datetime.fromisoformat(known) if known else None
    # "" stands for no change at all.
    if known is None or (moment is not None and moment <= current_time()):
        moment = query_status_change()
        cache.set(key, moment.isoformat() if moment else "", CACHE_SECONDS)
    return moment


def status_change_columns() -> dict[str, RawSQL]:
    """Returns annotations that add the next status change to an accounts query.

    `read_status_change` reads them from any of the accounts.
    """
    now = connections[router.db_for_read(User)].ops.adapt_datetimefield_value(current_time())
    return {
        f"next_{column}": RawSQL(NEXT_EXPIRY_SQL[column], [now])  # noqa: S611  constants
        for column in EXPIRY_COLUMNS
    }


def read_status_change(account: User) -> datetime | None:
    return earliest_moment(getattr(account, f"next_{column}") for column in EXPIRY_COLUMNS)


def query_status_change() -> datetime | None:
    """Reads the next status change from two indexes with one query."""
    connection = connections[router.db_for_read(User)]
    now = connection.ops.adapt_datetimefield_value(current_time())
    with prepared_cursor(connection) as cursor:
        cursor.execute(f"SELECT {', '.join(NEXT_EXPIRY_SQL.values())}", [now] * len(EXPIRY_COLUMNS))
        return earliest_moment(cursor.fetchone())


def earliest_moment(moments: Iterable[datetime | str | None]) -> datetime | None:
    return min((as_aware(moment) for moment in moments if moment), default=None)


def as_aware(moment: datetime | str) -> datetime:
    """Returns an aware datetime. SQLite returns text, and times without a zone."""
    parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
