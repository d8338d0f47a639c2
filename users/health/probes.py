"""Runs checks with a deadline, whatever hangs.

Checks of one dependency run one after the other in a thread, with one database connection. A thread
that hangs is not joined by another one: later callers wait for the same run.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Event, Lock, Thread

from django.db import DatabaseError, connections, transaction

from users.database.local_settings import answer_within, set_local_settings

logger = logging.getLogger(__name__)
DATABASE = "database"
# For all checks together.
DEADLINE_SECONDS = 1.5
# For the statements of one check.
STATEMENT_MS = 400
OK = "ok"
UNKNOWN = "unknown"
NO_ANSWER = f"no answer within {DEADLINE_SECONDS} seconds"


@dataclass(frozen=True)
class Probe:
    """A check. `find_problem` returns "", or a problem in words that anyone may read."""

    name: str
    label: str
    find_problem: Callable[[], str]
    # Checks of one dependency share a thread.
    dependency: str
    # Nothing can be served without it. The checks after it in its thread are skipped.
    is_fatal: bool = False
    # Seconds for which a good result is reused, if a check costs its server something.
    reuse_seconds: float = 0


class Run:
    """One run of checks of a dependency."""

    def __init__(self, probes: Sequence[Probe]):
        self.probes = probes
        self.problems: dict[str, str] = {}
        self.ended = Event()

    def start(self) -> None:
        Thread(target=self.run_apart, daemon=True).start()

    def run_apart(self) -> None:
        """Runs the checks with database connections of their own, which it closes before the next
        run may begin.
        """
        try:
            with answer_within(DEADLINE_SECONDS):
                self.run()
        finally:
            connections.close_all()
            self.ended.set()

    def run(self) -> None:
        is_possible = True
        for probe in self.probes:
            problem = run_check(probe) if is_possible else UNKNOWN
            self.problems[probe.name] = problem
            if problem and probe.is_fatal:
                is_possible = False

    def problem(self, probe: Probe) -> str:
        """Returns the problem that was found; of a run that goes on, what it hangs at."""
        if probe.name in self.problems:
            return self.problems[probe.name]
        is_current = self.probes[len(self.problems)] is probe
        return NO_ANSWER if is_current else UNKNOWN


def run_check(probe: Probe) -> str:
    """Returns the problem of one check, and of a check that fails why."""
    if REUSED_UNTIL.get(probe, 0) > time.monotonic():
        return ""
    try:
        problem = run_statements(probe) if probe.dependency == DATABASE else probe.find_problem()
    except DatabaseError as error:
        return "not reachable" if probe.is_fatal else database_problem(error)
    except Exception as error:
        logger.exception("The check %s failed", probe.name)
        return f"check failed ({type(error).__name__})"
    if not problem and probe.reuse_seconds:
        REUSED_UNTIL[probe] = time.monotonic() + probe.reuse_seconds
    return problem


def run_statements(probe: Probe) -> str:
    """Runs a check in a transaction whose statements have a time limit. SQLite needs none."""
    if connections["default"].vendor == "sqlite":
        return probe.find_problem()
    with transaction.atomic():
        limit = str(STATEMENT_MS)
        set_local_settings({"statement_timeout": limit, "lock_timeout": limit})
        return probe.find_problem()


def database_problem(error: DatabaseError) -> str:
    return f"{UNKNOWN} ({type(error).__name__})"


class SharedRun:
    """The runs of the same checks: one at a time."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.run: Run | None = None

    def join_run(self, probes: Sequence[Probe]) -> Run:
        """Returns the run that goes on; starts one if there is none."""
        with self.lock:
            if self.run is None or self.run.ended.is_set():
                self.run = Run(probes)
                self.run.start()
            return self.run


# Until when the good result of a check is reused, in seconds of the monotonic clock.
REUSED_UNTIL: dict[Probe, float] = {}
SHARED_RUNS: defaultdict[tuple[Probe, ...], SharedRun] = defaultdict(SharedRun)


def run_probes(probes: Iterable[Probe]) -> dict[Probe, str]:
    """Returns the problem of each check, "" for none, within DEADLINE_SECONDS."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    groups: defaultdict[str, list[Probe]] = defaultdict(list)
    for probe in probes:
        groups[probe.dependency].append(probe)
    runs = [SHARED_RUNS[tuple(group)].join_run(group) for group in groups.values()]
    problems: dict[Probe, str] = {}
    for run in runs:
        run.ended.wait(max(deadline - time.monotonic(), 0))
        problems |= {probe: run.problem(probe) for probe in run.probes}
    return problems
