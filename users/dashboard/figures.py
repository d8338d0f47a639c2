"""Reads the figures of the plots from the rollups, never from the accounts or the events."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import F, Sum
from django.db.models.functions import TruncMonth

from users import access
from users.dashboard.daily_counts import CAMPAIGN_SUFFIX, DEMO_SUFFIX, OPEN_SUFFIX
from users.dashboard.models import DailyCount, RollupPosition, StateCount
from users.dashboard.periods import Bucket, Period
from users.dashboard.rollups import ROLLUPS
from users.database.clock import current_time
from users.models import State
from users.web.plots import Plot, Series


@dataclass(frozen=True)
class PlotSpec:
    """The declaration of a plot, for viewers who may do `action`."""

    title: str
    action: str
    # The labels of its metrics by name.
    metrics: dict[str, str]


PLOTS = (
    PlotSpec(
        title="New accounts",
        action="view",
        metrics={
            "sign_ups": "Created",
        },
    ),
    PlotSpec(
        title="Sign-ins",
        action="view",
        metrics={
            "sign_ins": "Signed in",
            "sign_in_failures": "Failed",
        },
    ),
    PlotSpec(
        title="Suspensions",
        action="view",
        metrics={
            "suspensions": "Suspended",
        },
    ),
    PlotSpec(
        title="Emails",
        action="view",
        metrics={
            "emails_sent": "Sent",
            "emails_failed": "Failed",
        },
    ),
    PlotSpec(
        title="Staff actions",
        action="view_audit",
        metrics={
            "staff_actions": "Recorded",
        },
    ),
)
# Bars of these metrics have a warning colour.
FAILURES = {"sign_in_failures", "emails_failed"}
# The rollups run every minute.
LATE_AFTER = timedelta(minutes=5)
Sums = dict[str, Counter[int]]


def load_plots(viewer: Any, period: Period) -> list[Plot]:
    """Returns the plots that the viewer may see, with one query."""
    buckets = period.buckets(datetime.now(UTC).date())
    allowed = [spec for spec in PLOTS if access.may(viewer, spec.action)]
    names = [name for spec in allowed for name in spec.metrics]
    sums = sum_metrics(names, buckets)
    return [make_plot(spec, period, buckets, sums) for spec in allowed]


def make_plot(
    spec: PlotSpec,
    period: Period,
    buckets: list[Bucket],
    sums: Sums,
) -> Plot:
    """Returns the plot of one declaration, with a value of each metric for each bucket."""
    series = []
    for name, label in spec.metrics.items():
        values = [sums[name][number] for number in range(len(buckets))]
        series.append(
            Series(
                label=label,
                values=values,
                is_failure=name in FAILURES,
            )
        )
    return Plot(
        title=spec.title,
        period=period.label,
        buckets=buckets,
        series=series,
    )


def sum_metrics(names: list[str], buckets: list[Bucket]) -> Sums:
    """Returns the sum of each metric by the number of the bucket.

    Of a period of months, the database sums the days: a year has thousands of rows.
    """
    days = DailyCount.objects.filter(
        metric__in=stored_names(names),
        day__gte=buckets[0].first,
        day__lte=buckets[-1].last,
    )
    column: Any = F("day")
    if is_monthly(buckets):
        column = TruncMonth("day")
    rows = days.order_by().annotate(bucket=column)
    totals = rows.values_list("metric", "bucket").annotate(total=Sum("value"))
    numbers = bucket_numbers(buckets)
    sums: Sums = defaultdict(Counter)
    for stored, day, total in totals:
        number = numbers[day]
        sums[metric_name(stored)][number] += total
    return sums


def is_monthly(buckets: list[Bucket]) -> bool:
    return all(bucket.first.day == 1 for bucket in buckets)


def stored_names(names: list[str]) -> list[str]:
    """Returns the metrics as they are stored: with the emails and accounts that are apart."""
    stored = []
    for name in names:
        stored.append(name)
        stored.append(name + OPEN_SUFFIX)
        stored.append(name + CAMPAIGN_SUFFIX)
        stored.append(name + DEMO_SUFFIX)
    return stored


def metric_name(stored: str) -> str:
    """Returns the metric of a plot to which a stored one is added."""
    for suffix in (OPEN_SUFFIX, CAMPAIGN_SUFFIX, DEMO_SUFFIX):
        stored = stored.removesuffix(suffix)
    return stored


def bucket_numbers(buckets: list[Bucket]) -> dict[date, int]:
    """Returns the number of the bucket of each day."""
    numbers = {}
    for number, bucket in enumerate(buckets):
        day = bucket.first
        while day <= bucket.last:
            numbers[day] = number
            day += timedelta(days=1)
    return numbers


def load_states() -> list[tuple[State, int, float]]:
    """Returns each state with its number of accounts and its share in percent."""
    shown = dict(StateCount.objects.values_list("state", "shown"))
    total = sum(shown.values())
    rows = []
    for state in State:
        number = shown.get(state, 0)
        rows.append((state, number, 100 * number / total if total else 0.0))
    return rows


def counted_until() -> datetime | None:
    """Returns the time up to which all figures are complete; None if they are not yet."""
    rollups = dict(RollupPosition.objects.values_list("name", "until"))
    times = [rollups.get(name) for name in ROLLUPS]
    known = [until for until in times if until]
    if len(known) < len(times):
        return None
    return min(known)


def is_late(until: datetime | None) -> bool:
    return until is None or until < current_time() - LATE_AFTER
