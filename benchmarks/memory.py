"""bin/bench --memory MINUTES: how the memory of the web processes grows under a mixed load.

Searches, pages of the list, accounts and the audit trail are requested at a moderate rate while
accounts change. The memory is the PSS: a share of pages that several processes have in common.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import psutil

from benchmarks.editor import Ledger, find_editors
from benchmarks.peers import Peer, Running, run_server
from benchmarks.report import Report
from users.models import User

READERS = 4
# Requests a second of each reader, and edits a second beside them.
READ_RATE = 5
EDIT_RATE = 1
EDITORS = 4
SAMPLE_SECONDS = 30
# The processes fill their caches until then.
WARM_MINUTES = 5
LIST_QUERIES = ["", "?sort=-joined", "?sort=name", "?status=suspended", "?mfa=no&sort=-seen"]
ACCOUNT_TABS = ["", "access/", "activity/", "sign-ins/", "notes/"]
SEED = 13


def measure_memory(options: argparse.Namespace, peer: Peer) -> Report:
    seconds = 60 * options.memory
    stop = threading.Event()
    with (
        run_server(peer, options.keep, counted=False) as rollcall,
        ThreadPoolExecutor(READERS + 1) as pool,
    ):
        clients = [pool.submit(read, rollcall, number, stop) for number in range(READERS)]
        clients.append(pool.submit(edit, rollcall, stop))
        try:
            samples = [*sample_memory(rollcall.pid, seconds)]
        finally:
            stop.set()
        for client in clients:
            client.result()
    return memory_report(samples)


def read(rollcall: Running, number: int, stop: threading.Event) -> None:
    connection = rollcall.connect()
    for path in random_paths(random.Random(SEED + number)):
        if stop.wait(1 / READ_RATE):
            break
        connection.get(path)
    connection.close()


def random_paths(chance: random.Random) -> Iterator[str]:
    """Yields paths of all kinds of pages, most of them for the first time."""
    accounts = [*User.objects.order_by("pk").values_list("pk", "username")]
    while True:
        pk, username = chance.choice(accounts)
        start = chance.randrange(len(username))
        yield f"/users/?q={username[start : start + 4]}"
        yield f"/users/{pk}/{chance.choice(ACCOUNT_TABS)}"
        yield f"/users/{chance.choice(LIST_QUERIES)}"
        yield chance.choice([f"/audit/?target={pk}", "/audit/", "/jobs/", "/exports/"])


def edit(rollcall: Running, stop: threading.Event) -> None:
    connection = rollcall.connect()
    for editor in cycle(find_editors(connection, Ledger(), EDITORS)):
        if stop.wait(1 / EDIT_RATE):
            break
        editor.edit(connection)
    connection.close()


def sample_memory(pid: int, seconds: float) -> Iterator[tuple[float, float]]:
    """Yields the minute and the megabytes of the web server and its workers together."""
    begin = time.monotonic()
    while (elapsed := time.monotonic() - begin) <= seconds:
        sample = (elapsed / 60, total_pss(pid) / 1_000_000)
        print("minute {:.1f}: {:.0f} MB".format(*sample), file=sys.stderr, flush=True)
        yield sample
        time.sleep(SAMPLE_SECONDS)


def total_pss(pid: int) -> int:
    children = psutil.Process(pid).children(recursive=True)
    return process_pss(pid) + sum(process_pss(child.pid) for child in children)


def process_pss(pid: int) -> int:
    """Returns the bytes from /proc, whose pages count in part for each of their processes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def memory_report(samples: list[tuple[float, float]]) -> Report:
    warm = [sample for sample in samples if sample[0] >= WARM_MINUTES] or samples[-1:]
    lines = [f"minute {minute:4.1f}: {megabytes:6.1f} MB" for minute, megabytes in samples]
    growth = warm[-1][1] - warm[0][1]
    lines.append(f"growth after minute {warm[0][0]:.0f}: {growth:+.1f} MB")
    return Report("\n".join(lines), {"samples": samples, "growth": growth})
