"""The report of bin/bench --faults."""

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from benchmarks.faults.ledger import Check
from benchmarks.faults.team import Outcome
from benchmarks.report import Report, condition_lines, markdown_table

HEADS = ["killed", "back after s", "failed requests", "of these sent later"]


@dataclass
class Fault:
    """A server that was killed: when by the monotonic clock, and when it was back."""

    name: str
    killed_at: float
    back_at: float

    def concerns(self, outcome: Outcome) -> bool:
        """Returns whether a request was in progress while the server was away."""
        end = outcome.begin + outcome.seconds
        return outcome.begin < self.back_at and end > self.killed_at


@dataclass
class Figures:
    """All that a run has found. `idle`: percentages of the processors."""

    outcomes: list[Outcome] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)
    job_faults: list[str] = field(default_factory=list)
    writes: Check | None = None
    # What happened to the primary, such as “restarted: …”.
    primary: list[str] = field(default_factory=list)
    elapsed: float = 0.0

    def concern(self, outcome: Outcome) -> Fault | None:
        """Returns the fault during which a request was in progress."""
        return next((fault for fault in self.faults if fault.concerns(outcome)), None)

    def with_fault(self, kind: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.fault.startswith(kind)]


def fault_report(conditions: dict[str, Any], found: Figures) -> Report:
    failed = [outcome for outcome in found.outcomes if outcome.has_failed]
    lines = [fault_line(fault, failed) for fault in found.faults]
    others = [outcome for outcome in failed if found.concern(outcome) is None]
    lines.append(["nothing", "", str(len(others)), ""])
    summary = [*load_lines(found, failed), *check_lines(found)]
    table = markdown_table(HEADS, lines)
    text = "\n\n".join([condition_lines(conditions), table, "\n".join(summary)])
    data = {"conditions": conditions, "lines": lines, "summary": summary, "idle": found.idle}
    return Report(text, data)


def fault_line(fault: Fault, failed: list[Outcome]) -> list[str]:
    concerned = list(filter(fault.concerns, failed))
    later = [outcome for outcome in concerned if outcome.begin > fault.killed_at + 0.05]
    away = f"{fault.back_at - fault.killed_at:.1f}"
    return [fault.name, away, str(len(concerned)), str(len(later))]


def load_lines(found: Figures, failed: list[Outcome]) -> list[str]:
    number = len(found.outcomes)
    times = sorted(1000 * outcome.seconds for outcome in found.outcomes)
    rate = number / found.elapsed
    middle = statistics.median(times)
    p95 = times[int(0.95 * number)]
    return [
        f"requests: {number:,} in {found.elapsed:.0f} s, {rate:.1f} a second",
        f"milliseconds: median {middle:.0f}, p95 {p95:.0f}, worst {times[-1]:.0f}",
        f"processors idle: {statistics.mean(found.idle):.0f} % on average",
        f"failed: {len(failed)} ({100 * len(failed) / number:.3f} %){status_text(failed)}",
    ]


def status_text(failed: list[Outcome]) -> str:
    """Returns how many requests got each status; 0 is none."""
    numbers = Counter(outcome.status for outcome in failed)
    return "".join(f", {count} × {status}" for status, count in sorted(numbers.items()))


def check_lines(found: Figures) -> list[str]:
    writes = found.writes or Check(0, 0, [])
    return [
        fault_text("wrong answers", found.with_fault("wrong")),
        fault_text("own writes not seen", found.with_fault("stale")),
        f"writes: {writes.confirmed:,} confirmed, {writes.doubtful} without an answer,"
        f" {len(writes.faults)} lost or twice",
        *writes.faults[:5],
        f"bulk jobs: {len(found.job_faults)} faults",
        *found.job_faults,
        *[f"PostgreSQL primary {what}" for what in found.primary],
    ]


def fault_text(title: str, outcomes: list[Outcome]) -> str:
    examples = ", ".join(f"{each.name}: {each.fault}" for each in outcomes[:5])
    return f"{title}: {len(outcomes)} {examples}".rstrip()
