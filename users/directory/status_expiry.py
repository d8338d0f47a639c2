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

COLUMNS = ("suspended_until", "valid_until")
SECONDS = 3600
FIRST = {
    column: f"(SELECT min({column}) FROM users_user WHERE {column} > %s)"  # noqa: S608
    for column in COLUMNS
}


def next_turn(generations: Generations) -> datetime | None:
    """The next moment at which some account changes its state, or None. Asked of the database once
    for each generation.
    """
    cache = caches["pages"]
    key = f"turn:{generations.of(ACCOUNTS)}"
    turn = cache.get(key, "")
    if turn == "" or (turn is not None and turn <= timezone.now()):
        turn = found()
        cache.set(key, turn, SECONDS)
    return turn


def beside() -> dict[str, RawSQL]:
    """The same, to ride in a query of accounts: `of` reads it from one of them."""
    now = connections[router.db_for_read(User)].ops.adapt_datetimefield_value(timezone.now())
    return {f"next_{column}": RawSQL(FIRST[column], [now]) for column in COLUMNS}  # noqa: S611  constants


def of(account: User) -> datetime | None:
    return earliest(getattr(account, f"next_{column}") for column in COLUMNS)


def found() -> datetime | None:
    """The ends of two indexes, in one query."""
    connection = connections[router.db_for_read(User)]
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(FIRST.values())}", [now] * len(COLUMNS))
        return earliest(cursor.fetchone())


def earliest(moments: Iterable[datetime | str | None]) -> datetime | None:
    return min((aware(moment) for moment in moments if moment), default=None)


def aware(moment: datetime | str) -> datetime:
    """SQLite has text."""
    moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
