"""bin/bench --caching: measures what the page cache saves, what a change costs, and the effect of a
Redis that stops responding.
"""

import argparse
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from itertools import cycle, islice
from statistics import fmean

from benchmarks.cache import Cache
from benchmarks.caching_report import Line, share
from benchmarks.cases import LIST_EXPECTED, LISTS
from benchmarks.client import Answer, Connection
from benchmarks.editor import Editor, Ledger, find_editors
from benchmarks.measure import ask_concurrently, page_request, warm_up
from benchmarks.mixed_load import Read, run_mixed_load
from benchmarks.peers import CLIENTS, Peer, Running, run_servers

# Each round opens new connections, because their distribution among the workers is random and can
# double or halve the throughput of a round.
ROUNDS = 20
FIXED_COST_ROUNDS = 200
EDITORS = 4
# Edits a second beside the readers, and for how many seconds.
EDIT_RATE = 20
EDIT_SECONDS = 10
# Seconds before Redis stops responding, until every worker has noticed, and after that.
SECONDS_BEFORE = 3
SECONDS_TO_NOTICE = 2
SECONDS_AFTER = 10


def measure_caching(options: argparse.Namespace, peers: list[Peer], cache: Cache) -> list[Line]:
    """Measures all lines. Raises RuntimeError if page 1 has too few accounts to edit."""
    with run_servers(peers, options.keep, counted=False) as running:
        warm_up(running, LISTS)
        rollcall = next(each for each in running if each.peer.name == "rollcall")
        bench = Bench(rollcall, options.repeats)
        steps: list[Callable[[], list[Line]]] = [
            partial(throughput, running, options.seconds),
            partial(fixed_cost, running),
            bench.account_page,
            bench.list_after_a_change,
            bench.edits,
            bench.edits_beside_readers,
        ]
        if cache.pid:
            steps.append(partial(bench.silent_redis, cache.pid))
        lines = []
        for number, step in enumerate(steps, 1):
            print(f"{number}/{len(steps)}", file=sys.stderr, flush=True)
            lines += step()
        return lines


def throughput(running: list[Running], seconds: float) -> list[Line]:
    """Measures the list of all peers in turn, ROUNDS times."""
    peers = {each.peer.name: each for each in running}
    rates: dict[str, list[float]] = {name: [] for name in peers}
    counts: dict[str, Counter] = {name: Counter() for name in peers}
    for _ in range(ROUNDS):
        for name, each in peers.items():
            request = page_request([(LISTS[name], LIST_EXPECTED[name])])
            found = ask_concurrently([request] * CLIENTS, each, seconds)
            if found.faults:
                raise RuntimeError(f"{each.peer.label} does not show its list: {found.faults}.")
            rates[name].append(found.per_second)
            counts[name] += found.counts
    ours = fmean(rates["rollcall"])
    return [rate_line(each.peer, rates[name], counts[name], ours) for name, each in peers.items()]


def rate_line(
    peer: Peer, rates: list[float], counts: Counter[tuple[int, str]], ours: float
) -> Line:
    more: dict[str, object] = {"rounds": [round(rate, 1) for rate in rates]}
    if peer.name == "rollcall":
        hits = sum(number for (_, outcome), number in counts.items() if outcome == "hit")
        more["hit_share"] = share(hits, counts.total())
    else:
        more["rollcall_times"] = round(ours / fmean(rates), 3)
    what = {"rollcall": "cached list", "bare": "bare view"}.get(peer.name, f"{peer.label}, list")
    statuses: Counter[int] = Counter()
    for (status, _), number in counts.items():
        statuses[status] += number
    return Line(f"{what}, {CLIENTS} clients", per_second=fmean(rates), statuses=statuses, more=more)


def fixed_cost(running: list[Running]) -> list[Line]:
    """Measures the cheapest requests with one client, in turn."""
    peers = {each.peer.name: each for each in running}
    requests = [("GET /healthz", peers["rollcall"], "/healthz")]
    if "bare" in peers:
        requests.append(("bare view", peers["bare"], LISTS["bare"]))
    requests.append(("cached list", peers["rollcall"], LISTS["rollcall"]))
    connections = [each.connect() for _, each, _ in requests]
    lines = [Line(f"{name}, 1 client") for name, _, _ in requests]
    for _ in range(FIXED_COST_ROUNDS):
        for line, connection, (_, _, path) in zip(lines, connections, requests, strict=True):
            line.note(connection.get(path))
    close(connections)
    return lines


class Bench:
    """Measures Rollcall alone.

    One connection edits. The connections that read take turns, so that both workers answer.
    """

    def __init__(self, rollcall: Running, repeats: int):
        self.rollcall = rollcall
        self.repeats = repeats
        self.ledger = Ledger()
        self.editing = rollcall.connect()
        self.reading: list[Connection] = [rollcall.connect() for _ in range(CLIENTS)]
        self.editors = find_editors(self.editing, self.ledger, EDITORS)

    def account_page(self) -> list[Line]:
        path = f"/users/{self.editors[0].pk}/"
        for connection in self.reading:
            connection.get(path)
        cached = [answer for answer, _ in self.ask(path, [])]
        changed = [answer for answer, _ in self.ask(path, self.editors[1:])]
        return [
            Line.of("account page, cached", cached),
            Line.of("account page, after a change of another account", changed),
        ]

    def list_after_a_change(self) -> list[Line]:
        found = self.ask(LISTS["rollcall"], self.editors)
        stale = sum(self.ledger.is_stale(answer.page, before) for answer, before in found)
        answers = [answer for answer, _ in found]
        return [Line.of("list, after a change of one of its accounts", answers, stale=stale)]

    def ask(self, path: str, changing: list[Editor]) -> list[tuple[Answer, dict[int, int]]]:
        """Asks for the page `repeats` times, each time after an edit by the next of `changing`.

        Returns each answer with the numbers that were confirmed before its request.
        """
        found = []
        readers = cycle(self.reading)
        turns = cycle(changing or [None])
        for _ in range(self.repeats):
            if editor := next(turns):
                editor.edit(self.editing)
            before = self.ledger.now()
            found.append((next(readers).get(path), before))
        return found

    def edits(self) -> list[Line]:
        editors = islice(cycle(self.editors), self.repeats)
        return [Line.of("edit (POST)", [editor.edit(self.editing) for editor in editors])]

    def edits_beside_readers(self) -> list[Line]:
        found = run_mixed_load(self.rollcall, self.ledger, self.editors, EDIT_RATE, EDIT_SECONDS)
        name = f"{EDIT_RATE} edits/s for {EDIT_SECONDS} s beside {CLIENTS} readers"
        return [
            reads_line(f"{name}: list", found.reads, found.elapsed),
            Line.of(f"{name}: edit", found.edits, per_second=len(found.edits) / found.elapsed),
        ]

    def silent_redis(self, redis: int) -> list[Line]:
        """Stops the process `redis` while readers and one edit a second continue.

        The edits make sure that pages have to be rebuilt.
        """
        stopped_at: list[float] = []

        def stop() -> None:
            os.kill(redis, signal.SIGSTOP)
            stopped_at.append(time.monotonic())

        seconds = SECONDS_BEFORE + SECONDS_TO_NOTICE + SECONDS_AFTER
        timer = threading.Timer(SECONDS_BEFORE - 0.1, stop)  # just before an edit
        timer.start()
        try:
            found = run_mixed_load(self.rollcall, self.ledger, self.editors, 1, seconds)
        finally:
            timer.cancel()
            timer.join()
            os.kill(redis, signal.SIGCONT)
        return silence_lines(found.reads, stopped_at[0])


def silence_lines(reads: list[Read], stopped: float) -> list[Line]:
    noticed = stopped + SECONDS_TO_NOTICE
    first = f"first {SECONDS_TO_NOTICE} s"
    rest = f"next {SECONDS_AFTER} s"
    before = [read for read in reads if read.at < stopped]
    early = [read for read in reads if stopped <= read.at < noticed]
    late = [read for read in reads if noticed <= read.at < noticed + SECONDS_AFTER]
    return [
        reads_line("1 edit/s, Redis well: list", before, SECONDS_BEFORE),
        reads_line(f"1 edit/s, Redis silent, {first}: list", early, SECONDS_TO_NOTICE),
        reads_line(f"1 edit/s, Redis silent, {rest}: list", late, SECONDS_AFTER),
    ]


def reads_line(name: str, reads: list[Read], elapsed: float) -> Line:
    """Returns the line of reads that were requested within `elapsed` seconds."""
    outcomes = Counter(read.outcome for read in reads)
    seconds = [read.seconds for read in reads]
    more = {
        "hit_share": share(outcomes["hit"], len(reads)),
        "stale": sum(read.stale for read in reads),
        "worst_ms": round(1000 * max(seconds, default=0), 1),
    }
    return Line(
        name,
        seconds=seconds,
        statuses=Counter(read.status for read in reads),
        outcomes=outcomes,
        per_second=len(reads) / elapsed,
        more=more,
    )


def close(connections: Iterable[Connection]) -> None:
    for connection in connections:
        connection.close()
