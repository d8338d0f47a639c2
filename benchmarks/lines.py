"""The table of bin/bench --caching: each line has its own kind of figure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.client import Answer
from benchmarks.measure import faulty, p95
from benchmarks.report import NONE, Report, listing, short, table

WORDS = {
    "rollcall_times": lambda value: f"Rollcall × {short(value)}",
    "hit_share": lambda value: f"{100 * value:.1f} % from the cache",
    "stale": lambda value: f"{value} stale",
    "worst_ms": lambda value: f"worst {short(value)} ms",
}


@dataclass
class Line:
    """One line of the table. `outcomes`: how Rollcall came by the pages. `more`: figures that this
    line alone has, by their name in the data.
    """

    name: str
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    per_second: float | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, name: str, answers: Iterable[Answer], *, per_second: float | None = None, **more: Any
    ) -> "Line":
        line = cls(name, per_second=per_second, more=more)
        for answer in answers:
            line.note(answer)
        return line

    def note(self, answer: Answer) -> None:
        self.seconds.append(answer.seconds)
        self.statuses[answer.status] += 1
        self.outcomes[answer.outcome] += bool(answer.outcome)


def share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def report(conditions: dict[str, Any], lines: list[Line]) -> Report:
    heads = ["what", "median", "p95", "n", "/s", "", "faults"]
    text = [listing(conditions), table(heads, [cells(line) for line in lines]), NOTES]
    data = {"conditions": conditions, "caching": [plain(line) for line in lines]}
    return Report("\n\n".join(text), data)


NOTES = """Times are milliseconds from the first byte sent to the last received. /s: answers per
second. Rollcall × n: Rollcall answers its cached list n times as often. From the cache: as the
header Server-Timing says; the others were made anew (miss) or for somebody who asked at the same
moment (shared). Stale: pages that lack what had been saved before they were asked for: it has to
be 0. Faults: answers other than 200 and 302."""


def cells(line: Line) -> list[str]:
    times = [NONE, NONE]
    if line.seconds:
        times = [short(1000 * median(line.seconds)), short(1000 * p95(line.seconds))]
    number = line.statuses.total()
    rate = NONE if line.per_second is None else short(line.per_second)
    faults = "; ".join(f"{number} × {status}" for status, number in faulty(line.statuses).items())
    return [line.name, *times, f"{number:,}", rate, words(line), faults]


def words(line: Line) -> str:
    said = [word(line.more[name]) for name, word in WORDS.items() if name in line.more]
    if "hit_share" in line.more:
        return ", ".join(said)
    outcomes = [f"{number} {name}" for name, number in sorted(line.outcomes.items()) if number]
    return ", ".join(outcomes + said)


def plain(line: Line) -> dict[str, Any]:
    times = {}
    if line.seconds:
        times = {"median_ms": median(line.seconds), "p95_ms": p95(line.seconds)}
    return {
        "what": line.name,
        **{name: round(1000 * value, 3) for name, value in times.items()},
        "answers": line.statuses.total(),
        "per_second": line.per_second and round(line.per_second, 1),
        "outcomes": {outcome: number for outcome, number in line.outcomes.items() if number},
        "statuses": {str(status): number for status, number in line.statuses.items()},
        **line.more,
    }
