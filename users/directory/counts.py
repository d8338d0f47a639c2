"""How many accounts match: a guess at once, exactly up to a cap, and exactly beyond it in the
background.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db import connections, transaction
from django.db.models.expressions import RawSQL
from django.http import QueryDict
from django.utils import timezone

from users.directory.filter import Filter
from users.jobs.queue import task_queue

EXACT_COUNT_CAP = 10_000
ANSWER_SECONDS = 600  # seconds that an exact count is worth showing
COUNT_SECONDS = 120  # seconds that one may take
# The size of the table as the database remembers it: no query of its own, it rides in the list's.
TABLE_SIZE_SQL = {
    "postgresql": "(SELECT reltuples::bigint FROM pg_class WHERE oid = 'users_user'::regclass)",
    "sqlite": "(SELECT seq FROM sqlite_sequence WHERE name = 'users_user')",
}


@dataclass(frozen=True)
class Count:
    """`number` of accounts; `more`: at least that many. `about`: the planner's guess where there
    are more, or 0.
    """

    number: int
    more: bool = False
    about: int = 0


def table_size(vendor: str) -> RawSQL:
    return RawSQL(TABLE_SIZE_SQL[vendor], ())  # noqa: S611  a constant


def count_up_to_cap(wanted: Filter) -> Count:
    """Exact up to CAP."""
    matches = wanted.apply().order_by()
    number = matches.values("pk")[: EXACT_COUNT_CAP + 1].count()
    return (
        Count(number)
        if number <= EXACT_COUNT_CAP
        else Count(EXACT_COUNT_CAP, more=True, about=max(estimate_count(wanted), EXACT_COUNT_CAP))
    )


def estimate_count(wanted: Filter) -> int:
    """What the planner expects, or 0 where the database does not say."""
    matches = wanted.apply().order_by().only("pk")
    connection = connections[matches.db]
    if connection.vendor != "postgresql":
        return 0
    try:
        sql, params = matches.query.get_compiler(matches.db).as_sql()
    except EmptyResultSet:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        plan = cursor.fetchone()[0]
    return int((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])


def request_count(wanted: Filter) -> dict[str, Any]:
    """Has a worker count exactly, unless one does or has done so already. The state of that, for
    `answer`.
    """
    with transaction.atomic():
        known = count_answer(wanted)
        if known is None:
            known = {
                "query": wanted.query,
                "masked": wanted.masked,
                "number": None,
                "error": "",
                "at": timezone.now(),
            }
            cache.set(count_key(wanted.digest), known, ANSWER_SECONDS)
            task_queue.enqueue_task("users.directory.tasks.count_accounts", wanted.digest)
    return known


def count_answer(wanted: Filter) -> dict[str, Any] | None:
    """None, or `number` (None while a worker counts), `error` and `at`, the time of the question or
    of the answer.
    """
    return cache.get(count_key(wanted.digest))


def count_requested(digest: str) -> int | None:
    """Counts what was asked for, for at most PATIENCE seconds, and keeps the answer. None if nobody
    asks any more.
    """
    asked = cache.get(count_key(digest))
    if asked is None:
        return None
    matches = Filter.parse(QueryDict(asked["query"]), masked=asked["masked"]).apply().order_by()
    with transaction.atomic():
        if connections[matches.db].vendor == "postgresql":
            with connections[matches.db].cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true)", [f"{COUNT_SECONDS}s"]
                )
        number = matches.count()
    cache.set(count_key(digest), asked | {"number": number, "at": timezone.now()}, ANSWER_SECONDS)
    return number


def store_count_error(digest: str, error: str) -> None:
    if asked := cache.get(count_key(digest)):
        cache.set(count_key(digest), asked | {"error": error, "at": timezone.now()}, ANSWER_SECONDS)


def forget_counts() -> None:
    """Drops every question and answer: each holds the words of somebody's search, also for a while
    after it has run out.
    """
    with connections["default"].cursor() as cursor:
        table = settings.CACHES["default"]["LOCATION"]
        cursor.execute(
            f"DELETE FROM {table} WHERE cache_key LIKE %s",  # noqa: S608
            [cache.make_key(count_key("")) + "%"],
        )


def count_key(digest: str) -> str:
    return f"count:{digest}"


def format_estimate(number: int) -> str:
    """10.2 million, 132,000, 950: as exact as a guess deserves."""
    if number >= 1_000_000:
        return f"{number / 1_000_000:.1f} million".replace(".0 ", " ")
    if number >= 10_000:
        return f"{round(number, -3):,}"
    return f"{round(number, -1) if number >= 1_000 else number:,}"
