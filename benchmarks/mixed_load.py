"""Reads the list and edits accounts on it at the same time."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

from benchmarks.cases import LISTS
from benchmarks.client import Answer
from benchmarks.editor import Editor, Ledger
from benchmarks.peers import CLIENTS, Running


@dataclass(frozen=True)
class Read:
    """An answer to a reader. `at` is the time of its request by time.monotonic()."""

    at: float
    seconds: float
    status: int
    outcome: str
    stale: bool


@dataclass(frozen=True)
class MixedLoad:
    reads: list[Read]
    edits: list[Answer]
    elapsed: float


def run_mixed_load(
    rollcall: Running, ledger: Ledger, editors: list[Editor], rate: float, seconds: float
) -> MixedLoad:
    """Lets CLIENTS readers repeat their requests beside `rate` edits a second by `editors`."""
    begin: list[float] = []
    parties = CLIENTS + len(editors)
    start = Barrier(parties, action=lambda: begin.append(time.monotonic()), timeout=60)
    times = [number / rate for number in range(int(rate * seconds))]
    with ThreadPoolExecutor(parties) as pool:
        editing = []
        for number, editor in enumerate(editors):
            own_times = times[number :: len(editors)]
            editing.append(pool.submit(edit, rollcall, editor, own_times, start, seconds))
        reading = [pool.submit(read, rollcall, ledger, start, seconds) for _ in range(CLIENTS)]
    elapsed = time.monotonic() - begin[0]
    found = [read for future in reading for read in future.result()]
    edits = [answer for future in editing for answer in future.result()]
    return MixedLoad(reads=found, edits=edits, elapsed=elapsed)


def read(rollcall: Running, ledger: Ledger, start: Barrier, seconds: float) -> list[Read]:
    return list(reads(rollcall, ledger, start, seconds))


def reads(rollcall: Running, ledger: Ledger, start: Barrier, seconds: float) -> Iterator[Read]:
    connection = rollcall.connect()
    start.wait()
    end = time.monotonic() + seconds
    while (at := time.monotonic()) < end:
        before = ledger.now()
        answer = connection.get(LISTS["rollcall"])
        stale = answer.status == 200 and ledger.is_stale(answer.page, before)
        yield Read(
            at=at,
            seconds=answer.seconds,
            status=answer.status,
            outcome=answer.outcome,
            stale=stale,
        )
    connection.close()


def edit(
    rollcall: Running, editor: Editor, times: list[float], start: Barrier, seconds: float
) -> list[Answer]:
    """Edits at each of `times`, in seconds from the start.

    A late edit is sent at once, but none after the end.
    """
    connection = rollcall.connect()
    answers = []
    start.wait()
    begin = time.monotonic()
    for moment in times:
        time.sleep(max(0.0, begin + moment - time.monotonic()))
        if time.monotonic() < begin + seconds:
            answers.append(editor.edit(connection))
    connection.close()
    return answers
