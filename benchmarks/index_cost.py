"""bin/bench --indexes: measures the size of each account index, and its cost in an update."""

import time
from dataclasses import asdict, dataclass
from random import Random
from statistics import mean

from django.db import connection, transaction

from benchmarks.conditions import run_conditions
from benchmarks.report import Report, condition_lines, markdown_table
from users.demo.indexes import TABLE, index_definitions
from users.models import User

ROWS = 2_000
ROUNDS = 6
TRIGRAM = "user_by_trigram"
# Changes an indexed column, so that each row gets a new entry in every index that holds it.
UPDATE = f"""UPDATE {TABLE}
    SET version = version + 1, date_joined = date_joined + interval '1 second' WHERE id = ANY(%s)"""
NOTES = f"""{ROWS:,} random accounts were updated with all indexes and, in turn, without this one,
each time in a transaction that was rolled back. Times are the shortest of {ROUNDS}, in milliseconds
per 1,000 accounts; they include the work that a GIN index normally defers. Bytes are those
written to the write-ahead log for each account, which other load does not disturb."""


@dataclass(frozen=True)
class Cost:
    """The cost of one index: milliseconds per 1,000 updated accounts, and bytes of the write-ahead
    log per account, with all indexes and without this one.
    """

    index: str
    megabytes: float
    time_with: float
    time_without: float
    log_with: float
    log_without: float


def index_report() -> Report:
    """Measures every index. Its VACUUM removes the dead rows of the rolled-back updates."""
    accounts = User.objects.count()
    first = User.objects.order_by("pk").values_list("pk", flat=True)[0]
    ids = Random(1).sample(range(first, first + accounts), ROWS)
    conditions = run_conditions(accounts)
    with connection.cursor() as cursor:
        # The first update writes whole pages to the log and is not noted.
        time_update(cursor, ids)
        costs = [measure_index(cursor, name, ids) for name in index_definitions()]
        cursor.execute(f"VACUUM (ANALYZE) {TABLE}")
    costs.sort(key=lambda cost: cost.log_with - cost.log_without, reverse=True)
    heads = ["index", "MB", "ms with it", "without", "added", "bytes with it", "without", "added"]
    lines = markdown_table(heads, list(map(cells, costs)))
    text = "\n\n".join([condition_lines(conditions), lines, NOTES])
    data = {"conditions": conditions, "rows": ROWS, "rounds": ROUNDS}
    return Report(text, data | {"indexes": list(map(asdict, costs))})


def cells(cost: Cost) -> list[str]:
    times = (cost.time_with, cost.time_without, cost.time_with - cost.time_without)
    logs = (cost.log_with, cost.log_without, cost.log_with - cost.log_without)
    time_cells = [f"{value:.1f}" for value in times]
    log_cells = [f"{value:,.0f}" for value in logs]
    return [cost.index, f"{cost.megabytes:,.1f}", *time_cells, *log_cells]


def measure_index(cursor, name: str, ids: list[int]) -> Cost:
    cursor.execute("SELECT pg_relation_size(%s::regclass)", [name])
    size = cursor.fetchone()[0] / 2**20
    found: dict[str, list[tuple[float, int]]] = {"": [], name: []}
    # The two alternate in who goes first, because the table grows a little with every update.
    for number in range(ROUNDS):
        for without in sorted(found, reverse=bool(number % 2)):
            found[without].append(time_update(cursor, ids, without))
    times = [shortest_time(each) for each in found.values()]
    logs = [mean_log(each) for each in found.values()]
    return Cost(name, size, *times, *logs)


def shortest_time(updates: list[tuple[float, int]]) -> float:
    """Returns milliseconds per 1,000 accounts."""
    return 1_000_000 * min(seconds for seconds, _ in updates) / ROWS


def mean_log(updates: list[tuple[float, int]]) -> float:
    """Returns bytes per account."""
    return mean(written for _, written in updates) / ROWS


def time_update(cursor, ids: list[int], without: str = "") -> tuple[float, int]:
    """Updates the accounts and rolls back. Returns seconds and bytes of the write-ahead log."""
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
