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
    """`at`: when it was asked, in seconds of time.monotonic()."""

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
    """CLIENTS readers who ask again and again, and `rate` edits a second, which take turns among
    `editors`.
    """
    began: list[float] = []
    start = Barrier(
        CLIENTS + len(editors), action=lambda: began.append(time.monotonic()), timeout=60
    )
    with ThreadPoolExecutor(CLIENTS + len(editors)) as pool:
        moments = [number / rate for number in range(int(rate * seconds))]
        shares = [moments[place :: len(editors)] for place in range(len(editors))]
        editing = [
            pool.submit(edit, rollcall, *each, start, seconds)
            for each in zip(editors, shares, strict=True)
        ]
        reading = [pool.submit(read, rollcall, ledger, start, seconds) for _ in range(CLIENTS)]
    reads = [found for future in reading for found in future.result()]
    return Crowd(
        reads,
        [answer for future in editing for answer in future.result()],
        time.monotonic() - began[0],
    )


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
        yield Read(at, answer.seconds, answer.status, answer.outcome, stale)
    connection.close()


def edit(
    rollcall: Running, editor: Editor, moments: list[float], start: Barrier, seconds: float
) -> list[Answer]:
    """At each of `moments`, in seconds from the start; one that is late goes at once, and none
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
