"""The report of bin/bench --caching, whose lines have different kinds of figures."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.client import Answer
from benchmarks.measure import count_faults, p95
from benchmarks.report import NONE, Report, condition_lines, markdown_table, three_digits

EXTRA_FIGURES = {
    "rollcall_times": lambda value: f"Rollcall × {three_digits(value)}",
    "hit_share": lambda value: f"{100 * value:.1f} % from the cache",
    "stale": lambda value: f"{value} stale",
    "worst_ms": lambda value: f"worst {three_digits(value)} ms",
}


@dataclass
class Line:
    """A line of the table. `outcomes` counts how Rollcall served the pages; `more` has figures that
    only some lines have, by the names of EXTRA_FIGURES.
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


def caching_report(conditions: dict[str, Any], lines: list[Line]) -> Report:
    heads = ["what", "median", "p95", "n", "/s", "", "faults"]
    table = markdown_table(heads, [cells(line) for line in lines])
    text = "\n\n".join([condition_lines(conditions), table, NOTES])
    return Report(text, {"conditions": conditions, "caching": [line_data(line) for line in lines]})


NOTES = """Times are milliseconds from the first byte sent to the last received. /s: answers per
second. Rollcall × n: Rollcall answers its cached list n times as often. From the cache: according
to the header Server-Timing; other pages were rebuilt (miss) or taken from a request at the same
moment (shared). Stale: pages without a change that was saved before their request; must be 0.
Faults: answers other than 200 and 302."""


def cells(line: Line) -> list[str]:
    times = [NONE, NONE]
    if line.seconds:
        times = [three_digits(1000 * median(line.seconds)), three_digits(1000 * p95(line.seconds))]
    number = line.statuses.total()
    rate = NONE if line.per_second is None else three_digits(line.per_second)
    faults = "; ".join(
        f"{number} × {status}" for status, number in count_faults(line.statuses).items()
    )
    return [line.name, *times, f"{number:,}", rate, description(line), faults]


def description(line: Line) -> str:
    """Returns the extra figures of a line, after the outcomes if it has no share of hits."""
    parts = []
    if "hit_share" not in line.more:
        parts = [f"{number} {name}" for name, number in sorted(line.outcomes.items()) if number]
    for name, text in EXTRA_FIGURES.items():
        if name in line.more:
            parts.append(text(line.more[name]))
    return ", ".join(parts)


def line_data(line: Line) -> dict[str, Any]:
    data: dict[str, Any] = {"what": line.name}
    if line.seconds:
        data["median_ms"] = round(1000 * median(line.seconds), 3)
        data["p95_ms"] = round(1000 * p95(line.seconds), 3)
    data["answers"] = line.statuses.total()
    data["per_second"] = line.per_second and round(line.per_second, 1)
    data["outcomes"] = {outcome: number for outcome, number in line.outcomes.items() if number}
    data["statuses"] = {str(status): number for status, number in line.statuses.items()}
    return data | line.more
