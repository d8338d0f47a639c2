"""bin/bench --dashboard: the page without any cache, and the rollups behind it.

The page reads neither accounts nor events, but a row for each metric and day, so each day of a year
gets one: the page is then as slow as it can be, however few days the events are of.
"""

import argparse
import time
from datetime import UTC, datetime, timedelta
from itertools import chain
from statistics import median
from typing import Any

from benchmarks.cases import LISTS
from benchmarks.client import Connection
from benchmarks.measure import p95, warm_up
from benchmarks.peers import Peer, Running, run_servers
from benchmarks.report import Report, condition_lines, markdown_table, three_digits
from users.audit.models import AuditEvent
from users.dashboard import daily_counts, rollups
from users.dashboard.models import DailyCount, RollupPosition
from users.dashboard.periods import PERIODS
from users.mail.models import Message
from users.sessions.models import SignInEvent

MILLION = 1_000_000
# Of the longest period.
FILLED_DAYS = 366
FILLED_VALUE = 1000
METRICS = {
    rollups.EVENTS: daily_counts.EVENT_METRICS,
    rollups.SIGN_INS: daily_counts.SIGN_IN_METRICS,
    rollups.EMAILS: daily_counts.EMAIL_METRICS,
}
HEADS = ["page", "median ms", "p95 ms"]
# The rollups, and the rows that each reads.
STEPS = (
    ("accounts by status", rollups.STATES, rollups.advance_states, AuditEvent),
    ("audit events by day", rollups.EVENTS, rollups.advance_events, AuditEvent),
    ("sign-ins by day", rollups.SIGN_INS, rollups.advance_sign_ins, SignInEvent),
    ("emails by day", rollups.EMAILS, rollups.advance_emails, Message),
)


def measure_dashboard(
    options: argparse.Namespace, peers: list[Peer], conditions: dict[str, Any]
) -> Report:
    """Counts everything anew, and requests the page for each period, with the bare view in turn."""
    steps = rebuild()
    fill_days()
    times = request_pages(options, peers)
    pages = []
    for name, seconds in times.items():
        figures = [three_digits(1000 * each) for each in (median(seconds), p95(seconds))]
        pages.append([name, *figures])
    tables = [markdown_table(HEADS, pages), markdown_table(["rollup", "rows", "time"], steps)]
    text = "\n\n".join([condition_lines(conditions), *tables])
    medians = {name: round(1000 * median(seconds), 3) for name, seconds in times.items()}
    return Report(text, {"conditions": conditions, "median_ms": medians, "rollups": steps})


def rebuild() -> list[list[str]]:
    """Returns the name, the number of counted rows and the time of each rollup."""
    lines = []
    for label, name, advance, model in STEPS:
        begin_anew(name)
        begin = time.monotonic()
        while not advance():
            pass
        seconds = time.monotonic() - begin
        rows = model.objects.count()
        cells = [f"{rows:,}", f"{seconds:.1f} s"]
        if rows > MILLION:
            cells[1] += f", {seconds * MILLION / rows:.1f} s a million"
        lines.append([label, *cells])
    rollups.rebuild_states()
    return lines


def begin_anew(name: str) -> None:
    """Lets a rollup read all rows. The accounts by status are wrong until they are rebuilt."""
    if name in METRICS:
        rollups.reset_days(name, METRICS[name])
    else:
        rollups.rebuild_states()
        RollupPosition.objects.filter(pk=name).update(position=0)


def fill_days() -> None:
    """Gives each metric a row for each of the last days on which it has none."""
    today = datetime.now(UTC).date()
    rows = []
    for metric in chain.from_iterable(METRICS.values()):
        for number in range(FILLED_DAYS):
            day = today - timedelta(days=number)
            rows.append(DailyCount(metric=metric, day=day, value=FILLED_VALUE))
    DailyCount.objects.bulk_create(rows, ignore_conflicts=True)


def request_pages(options: argparse.Namespace, peers: list[Peer]) -> dict[str, list[float]]:
    """Returns the seconds of sequential requests of each page, in turn."""
    with run_servers(peers, options.keep, counted=False) as servers:
        warm_up(servers, LISTS)
        requests = page_requests(servers)
        times: dict[str, list[float]] = {name: [] for name in requests}
        for _ in range(options.repeats):
            for name, (connection, path) in requests.items():
                answer = connection.get(path)
                if answer.status != 200:
                    raise RuntimeError(f"{path} was answered with {answer.status}.")
                times[name].append(answer.seconds)
        return times


def page_requests(servers: list[Running]) -> dict[str, tuple[Connection, str]]:
    """Returns a connection and a path for each page."""
    rollcall, *others = servers
    connection = rollcall.connect()
    requests = {}
    for period in PERIODS:
        requests[f"dashboard, {period.label}"] = (connection, f"/?period={period.value}")
    for other in others:
        requests[other.peer.label] = (other.connect(), LISTS[other.peer.site])
    return requests
