"""Readers of the list and people who edit accounts on it, at the same time."""

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
    """One answer to a reader. `at`: when it was asked for, in seconds of time.monotonic()."""

    at: float
    seconds: float
    status: int
    outcome: str
    stale: bool


@dataclass(frozen=True)
class Crowd:
    reads: list[Read]
    edits: list[Answer]
    elapsed: float


def crowd(
    rollcall: Running, ledger: Ledger, editors: list[Editor], rate: float, seconds: float
) -> Crowd:
    """Lets CLIENTS readers ask again and again beside `rate` edits a second by `editors`."""
    began: list[float] = []
    parties = CLIENTS + len(editors)
    start = Barrier(parties, action=lambda: began.append(time.monotonic()), timeout=60)
    with ThreadPoolExecutor(parties) as pool:
        moments = [number / rate for number in range(int(rate * seconds))]
        shares = [moments[place :: len(editors)] for place in range(len(editors))]
        editing = [
            pool.submit(edit, rollcall, *each, start, seconds)
            for each in zip(editors, shares, strict=True)
        ]
        reading = [pool.submit(read, rollcall, ledger, start, seconds) for _ in range(CLIENTS)]
    reads = [found for future in reading for found in future.result()]
    edits = [answer for future in editing for answer in future.result()]
    return Crowd(reads=reads, edits=edits, elapsed=time.monotonic() - began[0])


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
    rollcall: Running, editor: Editor, moments: list[float], start: Barrier, seconds: float
) -> list[Answer]:
    """Edits at each of `moments`, in seconds from the start. A late edit goes at once, and none
    begins after the end.
    """
    connection = rollcall.connect()
    answers = []
    start.wait()
    begin = time.monotonic()
    for moment in moments:
        time.sleep(max(0.0, begin + moment - time.monotonic()))
        if time.monotonic() < begin + seconds:
            answers.append(editor.edit(connection))
    connection.close()
    return answers
