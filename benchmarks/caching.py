"""bin/bench --caching: what the page cache is worth, what a change costs it, and what a silent
Redis costs everybody.
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
from itertools import cycle
from statistics import fmean

from benchmarks.cache import Cache
from benchmarks.cases import LISTS
from benchmarks.client import Answer, Connection
from benchmarks.crowd import Read, crowd
from benchmarks.editor import Editor, Ledger, editors
from benchmarks.lines import Line, share
from benchmarks.measure import together, warm_up
from benchmarks.peers import CLIENTS, Peer, Running, serving

# Each round opens its connections anew: which worker takes how many of the eight is chance, which
# halves or doubles a round.
ROUNDS = 20
FIXED = 200
EDITORS = 4
# edits a second, and for how many seconds
RATE = 20
BESIDE = 10
CALM, UNTIL_OPEN, OPEN = (
    3,
    2,
    10,
)  # seconds before Redis falls silent, until the breakers are open, and after


def caching(options: argparse.Namespace, peers: list[Peer], kept: Cache) -> list[Line]:
    """Raises RuntimeError where page 1 has nobody to edit."""
    with serving(peers, options.keep, counted=False) as running:
        warm_up(running, LISTS)
        rollcall = next(each for each in running if each.peer.name == "rollcall")
        bench = Bench(rollcall, options.repeats)
        steps: list[Callable[[], list[Line]]] = [
            lambda: throughput(running, options.seconds),
            lambda: fixed_cost(running),
            bench.account_page,
            bench.list_after_a_change,
            bench.edits,
            bench.edits_beside_readers,
            *([lambda: bench.silence(kept.pid)] if kept.pid else []),
        ]
        lines = []
        for number, step in enumerate(steps, 1):
            print(f"{number}/{len(steps)}", file=sys.stderr, flush=True)
            lines += step()
        return lines


def throughput(running: list[Running], seconds: float) -> list[Line]:
    """Of all peers in turn, ROUNDS times."""
    rates: dict[str, list[float]] = {each.peer.name: [] for each in running}
    done: dict[str, Counter] = {each.peer.name: Counter() for each in running}
    for _ in range(ROUNDS):
        for each in running:
            asked = partial(Connection.get, path=LISTS[each.peer.name])
            found, rate = together([asked] * CLIENTS, each, seconds)
            rates[each.peer.name].append(rate)
            done[each.peer.name] += found
    ours = fmean(rates["rollcall"])
    return [
        rate_of(each.peer, rates[each.peer.name], done[each.peer.name], ours) for each in running
    ]


def rate_of(peer: Peer, rates: list[float], done: Counter[tuple[int, str]], ours: float) -> Line:
    more: dict[str, object] = {"rounds": [round(rate, 1) for rate in rates]}
    if peer.name == "rollcall":
        hits = sum(number for (_, outcome), number in done.items() if outcome == "hit")
        more["hit_share"] = share(hits, done.total())
    else:
        more["rollcall_times"] = round(ours / fmean(rates), 3)
    what = {"rollcall": "cached list", "bare": "bare view"}.get(peer.name, f"{peer.label}, list")
    statuses = Counter({status: 0 for status, _ in done})
    for (status, _), number in done.items():
        statuses[status] += number
    return Line(f"{what}, {CLIENTS} clients", per_second=fmean(rates), statuses=statuses, more=more)


def fixed_cost(running: list[Running]) -> list[Line]:
    """One client, FIXED rounds, each of them in turn."""
    peers = {each.peer.name: each for each in running}
    ways = [("GET /healthz", peers["rollcall"], "/healthz")]
    ways += [("bare view", peers["bare"], LISTS["bare"])] if "bare" in peers else []
    ways += [("cached list", peers["rollcall"], LISTS["rollcall"])]
    asked = [(name, each.connect(), path) for name, each, path in ways]
    lines = [Line.of(f"{name}, 1 client", []) for name, _, _ in asked]
    for _ in range(FIXED):
        for line, (_, connection, path) in zip(lines, asked, strict=True):
            line.note(connection.get(path))
    close(connection for _, connection, _ in asked)
    return lines


class Bench:
    """Rollcall alone. One connection edits; those that read take turns, so that both workers
    answer.
    """

    def __init__(self, rollcall: Running, repeats: int):
        self.rollcall = rollcall
        self.repeats = repeats
        self.ledger = Ledger()
        self.editing = rollcall.connect()
        self.reading: list[Connection] = [rollcall.connect() for _ in range(CLIENTS)]
        self.editors = editors(self.editing, self.ledger, EDITORS)

    def account_page(self) -> list[Line]:
        path = f"/users/{self.editors[0].pk}/"
        for connection in self.reading:
            connection.get(path)
        cached = Line.of("account page, cached", [answer for answer, _ in self.ask(path, [])])
        others = self.editors[1:]
        changed = Line.of(
            "account page, after a change of another account",
            [answer for answer, _ in self.ask(path, others)],
        )
        return [cached, changed]

    def list_after_a_change(self) -> list[Line]:
        found = self.ask(LISTS["rollcall"], self.editors)
        stale = sum(self.ledger.is_stale(answer.page, before) for answer, before in found)
        return [
            Line.of(
                "list, after a change of one of its accounts",
                [answer for answer, _ in found],
                stale=stale,
            )
        ]

    def ask(self, path: str, changing: list[Editor]) -> list[tuple[Answer, dict[int, int]]]:
        """The page `repeats` times, each time after an edit by the next one of `changing`; and what
        had been confirmed.
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
        turns = cycle(self.editors)
        return [
            Line.of("edit (POST)", [next(turns).edit(self.editing) for _ in range(self.repeats)])
        ]

    def edits_beside_readers(self) -> list[Line]:
        found = crowd(self.rollcall, self.ledger, self.editors, RATE, BESIDE)
        name = f"{RATE} edits/s for {BESIDE} s beside {CLIENTS} readers"
        return [
            of_reads(f"{name}: list", found.reads, found.elapsed),
            Line.of(f"{name}: edit", found.edits, per_second=len(found.edits) / found.elapsed),
        ]

    def silence(self, redis: int) -> list[Line]:
        """Readers as before and one edit a second, so that there are pages to make; Redis stops
        when some are well on.
        """
        silent_from: list[float] = []

        def stop() -> None:
            os.kill(redis, signal.SIGSTOP)
            silent_from.append(time.monotonic())

        timer = threading.Timer(CALM - 0.1, stop)  # just before an edit
        timer.start()
        try:
            found = crowd(self.rollcall, self.ledger, self.editors, 1, CALM + UNTIL_OPEN + OPEN)
        finally:
            timer.cancel()
            timer.join()
            os.kill(redis, signal.SIGCONT)
        stopped = silent_from[0]
        opened = silent_from[0] + UNTIL_OPEN
        parts = {
            "1 edit/s, Redis well: list": (0.0, stopped, CALM),
            f"1 edit/s, Redis silent, first {UNTIL_OPEN} s: list": (stopped, opened, UNTIL_OPEN),
            f"1 edit/s, Redis silent, next {OPEN} s: list": (opened, opened + OPEN, OPEN),
        }
        return [
            of_reads(name, [read for read in found.reads if begin <= read.at < end], seconds)
            for name, (begin, end, seconds) in parts.items()
        ]


def of_reads(name: str, reads: list[Read], elapsed: float) -> Line:
    """`elapsed`: the seconds in which they were asked."""
    outcomes = Counter(read.outcome for read in reads)
    return Line(
        name,
        seconds=[read.seconds for read in reads],
        statuses=Counter(read.status for read in reads),
        outcomes=outcomes,
        per_second=len(reads) / elapsed,
        more={
            "hit_share": share(outcomes["hit"], len(reads)),
            "stale": sum(read.stale for read in reads),
            "worst_ms": round(1000 * max((read.seconds for read in reads), default=0), 1),
        },
    )


def close(connections: Iterable[Connection]) -> None:
    for connection in connections:
        connection.close()
