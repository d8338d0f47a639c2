"""When accounts change by themselves: a suspension or a validity that runs out is true at once,
without any write.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.core.cache import caches
from django.db import connections, router
from django.db.models.expressions import RawSQL
from django.utils import timezone

from users.caching.generation import ACCOUNTS, Generations
from users.models import User

EXPIRY_COLUMNS = ("suspended_until", "valid_until")
CACHE_SECONDS = 3600
NEXT_EXPIRY_SQL = {
    column: f"(SELECT min({column}) FROM users_user WHERE {column} > %s)"  # noqa: S608
    for column in EXPIRY_COLUMNS
}


def next_status_change(generations: Generations) -> datetime | None:
    """The next moment at which some account changes its state, or None. Asked of the database once
    for each generation.
    """
    cache = caches["pages"]
    key = f"turn:{generations.of(ACCOUNTS)}"
    turn = cache.get(key, "")
    if turn == "" or (turn is not None and turn <= timezone.now()):
        turn = query_status_change()
        cache.set(key, turn, CACHE_SECONDS)
    return turn


def status_change_columns() -> dict[str, RawSQL]:
    """The same, to ride in a query of accounts: `of` reads it from one of them."""
    now = connections[router.db_for_read(User)].ops.adapt_datetimefield_value(timezone.now())
    return {f"next_{column}": RawSQL(NEXT_EXPIRY_SQL[column], [now]) for column in EXPIRY_COLUMNS}  # noqa: S611  constants


def read_status_change(account: User) -> datetime | None:
    return earliest_moment(getattr(account, f"next_{column}") for column in EXPIRY_COLUMNS)


def query_status_change() -> datetime | None:
    """The ends of two indexes, in one query."""
    connection = connections[router.db_for_read(User)]
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(NEXT_EXPIRY_SQL.values())}", [now] * len(EXPIRY_COLUMNS))
        return earliest_moment(cursor.fetchone())


def earliest_moment(moments: Iterable[datetime | str | None]) -> datetime | None:
    return min((as_aware(moment) for moment in moments if moment), default=None)


def as_aware(moment: datetime | str) -> datetime:
    """SQLite has text."""
    moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
