"""What each index of the accounts weighs, and what it adds to an update."""

import time
from dataclasses import asdict, dataclass
from random import Random
from statistics import mean

from django.db import connection, transaction

from benchmarks.conditions import conditions
from benchmarks.report import Report, listing, table
from users.demo.indexes import TABLE, index_definitions
from users.models import User

ROWS = 2_000
ROUNDS = 6
TRIGRAM = "user_by_trigram"
# Changes an indexed column, so that each row gets a new entry in every index that holds it.
UPDATE = f"UPDATE {TABLE} SET version = version + 1, date_joined = date_joined + interval '1 second' WHERE id = ANY(%s)"
NOTES = f"""{ROWS:,} random accounts were updated with all indexes and, in turn, without this one, each time in a transaction
that was rolled back. Times are the shortest of {ROUNDS}, in milliseconds per 1,000 accounts; the work that a GIN index puts off
is done at once and counted. Bytes are those written to the log for each account: a figure that no other load disturbs."""


@dataclass(frozen=True)
class Cost:
    """Milliseconds per 1,000 updated accounts, and bytes of log per account, with all indexes and
    without this one.
    """

    index: str
    megabytes: float
    time_with: float
    time_without: float
    log_with: float
    log_without: float


def indexes() -> Report:
    """VACUUM clears what the transactions leave behind."""
    accounts = User.objects.count()
    first = User.objects.order_by("pk").values_list("pk", flat=True)[0]
    ids = Random(1).sample(range(first, first + accounts), ROWS)
    where = conditions(accounts)
    with connection.cursor() as cursor:
        update(cursor, ids)  # not noted: the first one writes whole pages to the log
        costs = [cost(cursor, name, ids) for name in index_definitions()]
        cursor.execute(f"VACUUM (ANALYZE) {TABLE}")
    costs.sort(key=lambda each: each.log_with - each.log_without, reverse=True)
    heads = ["index", "MB", "ms with it", "without", "added", "bytes with it", "without", "added"]
    text = "\n\n".join([listing(where), table(heads, list(map(cells, costs))), NOTES])
    return Report(
        text,
        {"conditions": where, "rows": ROWS, "rounds": ROUNDS, "indexes": list(map(asdict, costs))},
    )


def cells(cost: Cost) -> list[str]:
    times = (cost.time_with, cost.time_without, cost.time_with - cost.time_without)
    logs = (cost.log_with, cost.log_without, cost.log_with - cost.log_without)
    return [
        cost.index,
        f"{cost.megabytes:,.1f}",
        *(f"{value:.1f}" for value in times),
        *(f"{value:,.0f}" for value in logs),
    ]


def cost(cursor, name: str, ids: list[int]) -> Cost:
    cursor.execute("SELECT pg_relation_size(%s::regclass)", [name])
    size = cursor.fetchone()[0] / 2**20
    found: dict[str, list[tuple[float, int]]] = {"": [], name: []}
    for number in range(
        ROUNDS
    ):  # each is first in turn: the table grows a little with every update
        for without in sorted(found, reverse=bool(number % 2)):
            found[without].append(update(cursor, ids, without))
    (time_with, log_with), (time_without, log_without) = (
        zip(*each, strict=True) for each in found.values()
    )
    times = [1_000_000 * min(each) / ROWS for each in (time_with, time_without)]
    return Cost(name, size, *times, *(mean(each) / ROWS for each in (log_with, log_without)))


def update(cursor, ids: list[int], without: str = "") -> tuple[float, int]:
    """Seconds, and bytes of log."""
    with transaction.atomic():
        if without:
            cursor.execute(f"DROP INDEX {without}")
        before = log_position(cursor)
        begin = time.perf_counter()
        cursor.execute(UPDATE, [ids])
        if without != TRIGRAM:
            cursor.execute("SELECT gin_clean_pending_list(%s::regclass)", [TRIGRAM])
        seconds = time.perf_counter() - begin
        written = log_position(cursor) - before
        transaction.set_rollback(True)
    return seconds, written


def log_position(cursor) -> int:
    cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'")
    return int(cursor.fetchone()[0])
