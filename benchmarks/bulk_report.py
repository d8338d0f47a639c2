"""The report of bin/bench --bulk."""

from collections import Counter
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any

from benchmarks.client import Answer
from benchmarks.measure import count_faults, p95
from benchmarks.report import Report, condition_lines, markdown_table, three_digits
from users.jobs.models import Job


@dataclass
class Run:
    """The figures of one job.

    `peak_memory` and `request_size` are in bytes; `preview` is the seconds of the preview page,
    `fingerprint` those of computing the fingerprint.
    """

    job: Job
    request_size: int
    preview: float
    seconds: float = 0
    peak_memory: int = 0
    fingerprint: float = 0
    edits: list[Answer] = field(default_factory=list)
    emails: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Figure:
    """A line of the table. `target` describes the limit of the figure, if it has one; `met` says
    whether it is kept.
    """

    name: str
    value: str
    target: str = ""
    met: bool | None = None
    data: Any = None


def bulk_report(conditions: dict[str, Any], found: list[Figure], notes: str = "") -> Report:
    """Returns a table of figures with their targets. `notes`: the text below it."""
    words = {None: "", True: "yes", False: "NO"}
    rows = [[each.name, each.value, each.target, words[each.met]] for each in found]
    table = markdown_table(["what", "figure", "target", "met"], rows)
    text = "\n\n".join([condition_lines(conditions), table, notes or NOTES])
    return Report(text, {"conditions": conditions, "bulk": [vars(each) for each in found]})


NOTES = """By hand: an UPDATE and two INSERT … SELECT over the same accounts, in one transaction.
They write the same rows of events and before-images into the same tables, with the same indexes and
triggers, before the job and after it; the figure is the mean. Before each measurement the accounts
are active again, the tables are vacuumed and a checkpoint is made. The job's time is from its first
chunk to its last, by the clock of the database. Edits are POSTs of Rollcall's form, 20 a second.
Memory is the resident set of the largest process of the worker."""


def figures(
    number: int, by_hand: list[float], small: Run, large: Run, idle: list[Answer]
) -> list[Figure]:
    return [
        *time_figures(number, by_hand, large),
        *edit_figures(idle, large.edits),
        *memory_figures(number, small, large),
        *request_figures(large),
    ]


def memory_figures(number: int, small: Run, large: Run) -> list[Figure]:
    return [
        Figure(
            f"memory of the worker, {small.job.changed:,} accounts",
            megabytes(small.peak_memory),
            data=small.peak_memory,
        ),
        Figure(
            f"memory of the worker, {number:,} accounts",
            megabytes(large.peak_memory),
            target="± 20 MB",
            met=abs(large.peak_memory - small.peak_memory) <= 20 * 2**20,
            data=large.peak_memory,
        ),
    ]


def time_figures(number: int, by_hand: list[float], large: Run) -> list[Figure]:
    mean = fmean(by_hand)
    both = ", ".join(map(three_digits, by_hand))
    by_job = large.seconds
    rate = number / by_job
    return [
        Figure(f"by hand, {number:,} accounts", f"{three_digits(mean)} s ({both})", data=by_hand),
        Figure(f"by a job, {number:,} accounts", f"{three_digits(by_job)} s", data=by_job),
        Figure("accounts a second, by the job", f"{rate:,.0f}", data=rate),
        Figure(
            "job / by hand",
            f"× {three_digits(by_job / mean)}",
            target="≤ 2",
            met=by_job <= 2 * mean,
            data=by_job / mean,
        ),
    ]


def edit_figures(idle: list[Answer], beside: list[Answer]) -> list[Figure]:
    quiet = [answer.seconds for answer in idle]
    busy = [answer.seconds for answer in beside]
    ratio = p95(busy) / p95(quiet)
    return [
        Figure("edit, idle: median, p95", milliseconds(quiet), data=quiet),
        Figure(
            f"edit, beside the job ({len(busy)}): median, p95",
            milliseconds(busy),
            target="p95 ≤ 60 ms",
            met=p95(busy) <= 0.06,
            data=busy,
        ),
        Figure(
            "edit, p95 beside the job / idle",
            f"× {three_digits(ratio)}",
            target="≤ 3",
            met=ratio <= 3,
            data=ratio,
        ),
        failed_edits(beside),
    ]


def failed_edits(answers: list[Answer]) -> Figure:
    faults = count_faults(Counter(answer.status for answer in answers))
    return Figure(
        "edits that failed",
        str(sum(faults.values())),
        target="0",
        met=not faults,
        data=faults,
    )


def request_figures(large: Run) -> list[Figure]:
    slowest = max(large.emails)
    return [
        Figure(
            "bytes of the request that starts it",
            f"{large.request_size:,}",
            target="≤ 2,048",
            met=large.request_size <= 2048,
            data=large.request_size,
        ),
        Figure(
            f"the slowest of {len(large.emails)} password resets",
            f"{three_digits(slowest)} s",
            target="≤ 3 s",
            met=slowest <= 3,
            data=slowest,
        ),
        Figure("preview", f"{three_digits(large.preview)} s", data=large.preview),
        Figure(
            "fingerprint that approval is about",
            f"{three_digits(large.fingerprint)} s",
            data=large.fingerprint,
        ),
    ]


def milliseconds(seconds: list[float]) -> str:
    """Formats median and 95th percentile."""
    return f"{three_digits(1000 * median(seconds))}, {three_digits(1000 * p95(seconds))} ms"


def megabytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MB"
