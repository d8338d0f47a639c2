"""When accounts change by themselves: a suspension or a validity that runs out is true at once, without any write."""

from datetime import UTC, datetime

from django.core.cache import caches
from django.db import connections, router
from django.utils import timezone

from users.caching.generation import ACCOUNTS, Generations
from users.models import User

COLUMNS = ("suspended_until", "valid_until")
SECONDS = 3600


def next_turn(generations: Generations) -> datetime | None:
    """The next moment at which some account changes its state, or None. Asked of the database once for each generation."""
    cache, key = caches["pages"], f"turn:{generations.of(ACCOUNTS)}"
    turn = cache.get(key, "")
    if turn == "" or (turn is not None and turn <= timezone.now()):
        turn = found()
        cache.set(key, turn, SECONDS)
    return turn


def found() -> datetime | None:
    """The ends of two indexes, in one query."""
    connection = connections[router.db_for_read(User)]
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    first = ", ".join(f"(SELECT min({column}) FROM users_user WHERE {column} > %s)" for column in COLUMNS)  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {first}", [now] * len(COLUMNS))
        moments = [moment for moment in cursor.fetchone() if moment]
    return min((aware(moment) for moment in moments), default=None)


def aware(moment: datetime | str) -> datetime:
    """SQLite has text."""
    moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
