"""Counts the accounts that match a filter.

A page shows the exact number up to a cap, and an estimate beyond it. The estimate is from a sample
for words that 1.25 times the cap to about 200,000 accounts contain, and at most a quarter of all;
otherwise it is the planner's. The exact number beyond the cap is counted by a worker on request.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db import connections, transaction
from django.http import QueryDict
from django.utils import timezone

from users.database.compiled_sql import compile_queryset
from users.database.local_settings import set_local_settings
from users.database.search_index import SAMPLE_DIVISOR, in_search_sample
from users.directory.filter import Filter
from users.jobs.queue import task_queue
from users.models import User

EXACT_COUNT_CAP = 10_000
# The accounts with the highest ids, where a common search term reaches the cap soon.
NEWEST_IDS = 60_000
# Matches that are counted in the search sample. To read an account of it takes 1 to 5 µs.
SAMPLED_MATCHES = 7_000
# A sample shows that there are more accounts than the cap if it has this many times as many as the
# part of the cap that is expected in it.
SAMPLE_MARGIN = 1.25
# How long a requested count is stored.
ANSWER_SECONDS = 600
# The statement timeout of a requested count.
COUNT_SECONDS = 120


@dataclass(frozen=True)
class Count:
    """A number of accounts."""

    number: int
    # Whether `number` is a lower bound.
    is_capped: bool = False
    # The approximate number if `is_capped`, else 0.
    estimate: int = 0


def count_up_to_cap(wanted: Filter) -> Count:
    """Returns the exact count up to EXACT_COUNT_CAP."""
    estimate = estimate_count(wanted)
    if reaches_cap_soon(wanted, estimate) and newest_exceed_cap(wanted):
        return count_above_cap(estimate)
    sampled = count_in_sample(wanted)
    if sampled * SAMPLE_DIVISOR > SAMPLE_MARGIN * EXACT_COUNT_CAP:
        # A sample that was counted in part shows only that there are no fewer.
        is_whole = sampled <= SAMPLED_MATCHES
        planned = 0 if is_whole else estimate
        return count_above_cap(max(sampled * SAMPLE_DIVISOR, planned))
    matches = wanted.apply().order_by()
    number = matches.values("pk")[: EXACT_COUNT_CAP + 1].count()
    return Count(number) if number <= EXACT_COUNT_CAP else count_above_cap(estimate)


def count_above_cap(estimate: int) -> Count:
    return Count(EXACT_COUNT_CAP, is_capped=True, estimate=max(estimate, EXACT_COUNT_CAP))


def count_in_sample(wanted: Filter) -> int:
    """Returns the number of matches in the sample of the trigram index, up to SAMPLED_MATCHES + 1;
    0 if the search is not looked up in that index.

    With the index of all accounts, ten million of them, counting up to the cap takes 0.2 s.
    """
    matches = wanted.apply().order_by()
    if connections[matches.db].vendor != "postgresql" or not wanted.search.long_words:
        return 0
    sampled = matches.filter(in_search_sample())
    return sampled.values("pk")[: SAMPLED_MATCHES + 1].count()


def reaches_cap_soon(wanted: Filter, estimate: int) -> bool:
    """Returns whether the planner expects that a search exceeds the cap among the newest ids, with
    something to spare.
    """
    if not wanted.q or estimate <= EXACT_COUNT_CAP:
        return False
    return estimate * NEWEST_IDS > 1.5 * EXACT_COUNT_CAP * estimate_count(Filter())


def newest_exceed_cap(wanted: Filter) -> bool:
    """Returns whether more accounts match than the cap, among the newest ids alone.

    They are read one by one: at ten million accounts, the bitmap of a term that half of them match
    takes two seconds before the first match is counted.
    """
    newest = User.objects.order_by("-pk").values_list("pk", flat=True)[0]
    matches = wanted.apply().order_by().filter(pk__gt=newest - NEWEST_IDS)
    with transaction.atomic(using=matches.db), connections[matches.db].cursor() as cursor:
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        number = matches.values("pk")[: EXACT_COUNT_CAP + 1].count()
        cursor.execute("SET LOCAL enable_bitmapscan = on")
    return number > EXACT_COUNT_CAP


def estimate_count(wanted: Filter) -> int:
    """Returns the planner's estimate, or 0 where the database has none."""
    matches = wanted.apply().order_by().only("pk")
    connection = connections[matches.db]
    if connection.vendor != "postgresql":
        return 0
    try:
        sql, params = compile_queryset(matches)
    except EmptyResultSet:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        plan = cursor.fetchone()[0]
    parsed = json.loads(plan) if isinstance(plan, str) else plan
    return int(parsed[0]["Plan"]["Plan Rows"])


def request_count(wanted: Filter) -> dict[str, Any]:
    """Queues a task for the exact count, unless there is one or an answer already.

    Returns the state of the count in the form of `count_answer`.
    """
    with transaction.atomic():
        known = count_answer(wanted)
        if known is not None:
            return known
        asked = {
            "query": wanted.query,
            "masked": wanted.masked,
            "viewer_id": wanted.viewer_id,
            "number": None,
            "error": "",
        }
        store_answer(wanted.digest, asked)
        task_queue.enqueue_task("users.directory.tasks.count_accounts", wanted.digest)
        return asked | {"at": timezone.now()}


def count_answer(wanted: Filter) -> dict[str, Any] | None:
    """Returns a dict with `number`, `error` and `at`; None if nobody has requested this count.

    While a worker counts, `number` is None and `at` is the time of the request.
    """
    known = cache.get(count_key(wanted.digest))
    return known and known | {"at": datetime.fromisoformat(known["at"])}


def store_answer(digest: str, answer: dict[str, Any]) -> None:
    dated = answer | {"at": timezone.now().isoformat()}
    cache.set(count_key(digest), dated, ANSWER_SECONDS)


def count_requested(digest: str) -> int | None:
    """Runs a requested count for at most COUNT_SECONDS and stores the answer.

    Returns None if the request has expired.
    """
    entry = cache.get(count_key(digest))
    if entry is None:
        return None
    query = QueryDict(entry["query"])
    wanted = Filter.parse(query, masked=entry["masked"], viewer_id=entry.get("viewer_id"))
    matches = wanted.apply().order_by()
    with transaction.atomic():
        set_local_settings({"statement_timeout": str(COUNT_SECONDS * 1000)})
        number = matches.count()
    store_answer(digest, entry | {"number": number})
    return number


def store_count_error(digest: str, error: str) -> None:
    if entry := cache.get(count_key(digest)):
        store_answer(digest, entry | {"error": error})


def forget_counts() -> None:
    """Deletes the rows of all requests and answers: even expired ones hold the text of a search."""
    with connections["default"].cursor() as cursor:
        table = settings.CACHES["default"]["LOCATION"]
        cursor.execute(
            f"DELETE FROM {table} WHERE cache_key LIKE %s",  # noqa: S608
            [cache.make_key(count_key("")) + "%"],
        )


def count_key(digest: str) -> str:
    return f"count:{digest}"


def format_estimate(number: int) -> str:
    """Returns the number rounded for display: "10.2 million", "132,000" or "950"."""
    if number >= 1_000_000:
        return f"{number / 1_000_000:.1f} million".replace(".0 ", " ")
    if number >= 10_000:
        return f"{round(number, -3):,}"
    if number >= 1_000:
        return f"{round(number, -1):,}"
    return str(number)
