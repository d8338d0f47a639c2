"""Checks ranges of the chain in several processes: one for each core, since checking is CPU-bound.

They are commands, because the processes of a worker may not have children of their own. A process
reads a range from each line of its input and writes the result as a line.
"""

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import IO, Any

from django.conf import settings

from users.audit.verification.chain_check import PositionRange
from users.audit.verification.range_check import RangeChecker, RangeResult


class ProcessFault(Exception):
    """A process ended before it had checked its range."""


def usable_cores() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class CheckProcesses:
    """A number of processes, as a context manager."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.processes: list[subprocess.Popen] = []
        self.free: SimpleQueue[subprocess.Popen] = SimpleQueue()

    def __enter__(self) -> "CheckProcesses":
        command = [
            sys.executable,
            str(settings.BASE_DIR / "manage.py"),
            "audit_verify",
            "--ranges",
        ]
        for _ in range(self.number):
            process = subprocess.Popen(  # noqa: S603  no input in it
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self.processes.append(process)
            self.free.put(process)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()

    def check_ranges(self, ranges: Iterable[PositionRange]) -> Iterator[RangeResult]:
        """Yields the results in the order of the ranges. Raises ProcessFault."""
        pending: deque[Future[RangeResult]] = deque()
        with ThreadPoolExecutor(self.number) as threads:
            for each in ranges:
                pending.append(threads.submit(self.check_range, each))
                if len(pending) > 2 * self.number:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()

    def check_range(self, each: PositionRange) -> RangeResult:
        process = self.free.get()
        try:
            reply = exchange_line(process, json.dumps(each))
        finally:
            self.free.put(process)
        return RangeResult.from_json(json.loads(reply))


def exchange_line(process: Any, line: str) -> str:
    """Returns the line with which a process answers."""
    try:
        process.stdin.write(line + "\n")
        process.stdin.flush()
        reply = process.stdout.readline()
    except (OSError, ValueError) as error:
        raise ProcessFault("a process of the verification can't be reached") from error
    if not reply:
        raise ProcessFault("a process of the verification has ended")
    return reply


def serve_ranges(source: IO[str], output: Any) -> None:
    """Checks the range of each line, until the input ends."""
    checker = RangeChecker()
    for line in source:
        result = checker.check_range(*json.loads(line))
        output.write(json.dumps(result.to_json()))
        output.flush()
