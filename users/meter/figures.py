"""Builds what the pages about data use show: counts with their limits, and the limits passed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from users.meter.hour_totals import hour_rows
from users.meter.limits import UseLimit, person_limits
from users.meter.models import HourlyUse, UseKind


@dataclass(frozen=True)
class UseFigure:
    """The uses of one kind by a person in one or more hours."""

    label: str
    # In all of the hours, and in the busiest of them.
    count: int
    peak: int
    allowed: UseLimit

    @property
    def is_over(self) -> bool:
        return self.peak > self.allowed.limit

    @property
    def scale(self) -> int:
        """The number at the end of the bar."""
        return max(self.peak, self.allowed.budget)

    @property
    def is_limited_by_usual(self) -> bool:
        return self.allowed.limit < self.allowed.budget


class UseReason(NamedTuple):
    """A limit that a person passed: when they had to confirm, and whether it was reported."""

    text: str
    asked_at: datetime | None
    reported_at: datetime | None
    hour: datetime


def use_figures(rows: Iterable[HourlyUse], limits: dict[str, UseLimit]) -> list[UseFigure]:
    """Returns a figure for each kind from the hours of one person."""
    counts: dict[str, list[int]] = {kind: [0] for kind in UseKind.values}
    for row in rows:
        counts[row.kind].append(row.count)
    figures = []
    for kind in UseKind:
        figure = UseFigure(
            label=kind.label,
            count=sum(counts[kind]),
            peak=max(counts[kind]),
            allowed=limits[kind],
        )
        figures.append(figure)
    return figures


def use_reasons(rows: Iterable[HourlyUse]) -> list[UseReason]:
    """Returns a reason for each hour and kind above its limit, in the order of the rows."""
    flagged = [row for row in rows if row.asked_at or row.reported_at]
    return [
        UseReason(passed_limit_text(row), row.asked_at, row.reported_at, row.hour)
        for row in flagged
    ]


def passed_limit_text(row: HourlyUse) -> str:
    """Returns a sentence such as "Accounts opened: 121, limit 60 (usual for the role)"."""
    label = UseKind(row.kind).label
    if row.limit is None or row.budget is None:
        return f"{label}: {row.count:,}"
    source = "budget"
    if row.limit < row.budget:
        # Nobody has to confirm above what is usual for a program.
        source = "usual for the role" if row.asked_at else "twice its busiest hour before"
    return f"{label}: {row.count:,}, limit {row.limit:,} ({source})"


def figures_of_hour(account_id: int) -> tuple[list[UseFigure], list[UseReason]]:
    """Returns the figures and reasons of a person in the current hour."""
    rows = list(hour_rows(account_id))
    limits = person_limits([account_id])[account_id]
    return use_figures(rows, limits), use_reasons(rows)
