"""Measures the sealing of audit events with and without the Merkle tree, and checks of the tree.

    python -m benchmarks.sealing --events 200000 --leaves 10000000

It fills a database of its own on a new PostgreSQL server, which it removes afterwards.
"""

import argparse
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import django
import psutil

from benchmarks.fill import ROOT, environment, manage
from benchmarks.server import run_postgresql

if TYPE_CHECKING:
    from users.audit.verification.processes import CheckProcesses

ROUNDS = 3
FILL_SQL = """
    INSERT INTO users_auditevent (at, actor_id, actor_text, action, target_id, target_text,
        target_version, before, after, reason, ticket, ip, user_agent, request_id, session_id)
    SELECT now(), 7, 'andrea.costa', 'account.edited', n, 'person' || n, 2,
        '{"phone": "+49 30 1234567"}', '{"phone": "+49 30 7654321"}', 'Asked by phone', '',
        '192.0.2.7', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
        md5(n::text), md5((n / 50)::text)::uuid
    FROM generate_series(1, %s) AS n
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="for each round")
    parser.add_argument("--leaves", type=int, default=10_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rollcall-sealing-") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL runs as another user
        with run_postgresql(Path(folder) / "postgresql") as url:
            os.environ.update(environment(url, Path(folder) / "var"))
            os.environ["AUDIT_KEY_FILE"] = f"{folder}/audit-key"
            manage("migrate", "--verbosity", "0")
            manage("audit_key", "generate")
            sys.path.insert(0, str(ROOT / "site"))
            django.setup()
            measure_sealing(options.events)
            measure_verification()
            measure_checks(options.leaves)


class Spent(NamedTuple):
    """Seconds that passed, and seconds of the processors: of this process and its PostgreSQL
    backend. The second number depends less on what else the machine does.
    """

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> "Spent":
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backend = psutil.Process(cursor.fetchone()[0]).cpu_times()
        own = time.process_time()
        return cls(time.monotonic(), own + backend.user + backend.system)

    def since(self, start: "Spent") -> "Spent":
        return Spent(self.wall - start.wall, self.cpu - start.cpu)

    def plus(self, other: "Spent") -> "Spent":
        return Spent(self.wall + other.wall, self.cpu + other.cpu)


def measure_sealing(events: int) -> None:
    """Seals rounds of events as the worker does, and times the tree and its checkpoints apart."""
    sealing = Spent(0, 0)
    growing = Spent(0, 0)
    for _ in range(ROUNDS):
        add_events(events)
        plain, tree = seal_round()
        sealing = sealing.plus(plain)
        growing = growing.plus(tree)
    number = ROUNDS * events
    both = sealing.plus(growing)
    print(f"sealed a second, without the tree: {number / sealing.wall:,.0f}")
    print(f"sealed a second, with tree and checkpoints: {number / both.wall:,.0f}")
    print(f"the tree on top: {100 * growing.wall / sealing.wall:.1f} % of the time")
    print(f"the tree on top: {100 * growing.cpu / sealing.cpu:.1f} % of the processors’ time")
    print(f"processor time of an event, with the tree: {1e6 * both.cpu / number:.0f} µs")


def measure_verification() -> None:
    """Verifies one event, a tenth of them and all on all cores, since the memory of a process must
    not grow with their number.
    """
    from users.audit.verification.chain_check import cut_ranges, newest_position, verify_chain
    from users.audit.verification.processes import CheckProcesses, usable_cores

    cores = usable_cores()
    with CheckProcesses(cores) as processes:
        memory = []
        for share in (1, newest_position() // 10):
            list(processes.check_ranges(cut_ranges(1, share)))
            memory.append(peak_memory(processes))
        started = time.monotonic()
        verdict = verify_chain(check_ranges=processes.check_ranges)
        rate = verdict.events / (time.monotonic() - started)
        memory.append(peak_memory(processes))
    if verdict.fault:
        sys.exit(verdict.fault)
    print(f"verified a second, on {cores} cores: {rate:,.0f} of {verdict.events:,}")
    sizes = ", ".join(f"{size:.0f}" for size in memory)
    print(f"memory of a process after one event, a tenth and all: {sizes} MB")
    before = Spent.now()
    verdict = verify_chain()
    cost = Spent.now().since(before).cpu / verdict.events
    print(f"processor time of a verified event: {1e6 * cost:.0f} µs")


def peak_memory(processes: "CheckProcesses") -> float:
    """Returns the most memory that one of the processes has had, in MB. Linux only."""
    peaks = []
    for process in processes.processes:
        status = Path(f"/proc/{process.pid}/status").read_text()
        peaks.append(int(status.partition("VmHWM:")[2].split()[0]))
    return max(peaks) / 1024


def seal_round() -> tuple[Spent, Spent]:
    """Returns what sealing took, and the tree with a checkpoint after each 10,000 events."""
    from users.audit import chain, tasks
    from users.audit.tree import signing
    from users.audit.tree.recent_hashes import RecentHashes

    recent = RecentHashes()
    sealing = Spent(0, 0)
    growing = Spent(0, 0)
    sealed = tasks.CHECKPOINT_EVENTS
    while sealed >= tasks.CHECKPOINT_EVENTS:
        started = Spent.now()
        sealed = chain.seal_waiting_events(3600, tasks.CHECKPOINT_EVENTS, recent)
        sealing = sealing.plus(Spent.now().since(started))
        started = Spent.now()
        signing.update_log(recent)
        growing = growing.plus(Spent.now().since(started))
    return sealing, growing


def add_events(number: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(FILL_SQL, [number])
        cursor.execute("VACUUM ANALYZE users_auditevent")
        cursor.execute("CHECKPOINT")


def measure_checks(leaves: int) -> None:
    """Fills a tree of its own, and computes its root anew from its tiles."""
    from users.audit.tree import tree_check
    from users.audit.tree.models import LogTile
    from users.audit.tree.tiles import TileReader, extend_tiles, store_tiles

    LogTile.objects.all().delete()
    started = time.monotonic()
    for first in range(0, leaves, 10_240):
        numbers = range(first, min(first + 10_240, leaves))
        joined = b"".join([hashlib.sha256(b"%d" % number).digest() for number in numbers])
        store_tiles(first, extend_tiles(first, joined, TileReader()))
    rate = leaves / (time.monotonic() - started)
    print(f"leaves added a second, with tiles stored: {rate:,.0f}")
    roots = []
    seconds = timed(lambda: roots.append(tree_check.recompute_root(leaves)))
    assert roots == [TileReader().read_root(leaves)]
    print(f"{leaves:,} leaves computed anew from tiles: {seconds:.1f} s")


def timed(action: Callable[[], object]) -> float:
    started = time.monotonic()
    action()
    return time.monotonic() - started


if __name__ == "__main__":
    main()
