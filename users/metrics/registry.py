"""The metrics that rooms define, and the gauges that they read from the database.

A counter or a histogram counts in files of this process (users/metrics/slots.py), or in memory in a
process without a slot, such as a command. A gauge is a function that is called for each scrape.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.db.models.functions import Now
from prometheus_client import Counter, Histogram

METRICS: list[Counter | Histogram] = []
# Metrics with their labels set, as long as this process keeps its files.
CHILDREN: dict[tuple, Any] = {}
# A number, or numbers by the value of the gauge's label.
Reading = float | None | Mapping[str, float | None]


class Gauge(NamedTuple):
    """A number that is read at each scrape; None is left out."""

    name: str
    text: str
    # The name of the label, or "" for a gauge that is one number.
    label: str
    read: Callable[[], Reading]


GAUGES: dict[str, Gauge] = {}


def define_counter(name: str, text: str, labels: Sequence[str]) -> Counter:
    """Defines a counter. A label has few values, and none comes from a request or names anyone."""
    counter = Counter(name, text, labels, registry=None)
    METRICS.append(counter)
    return counter


def define_histogram(
    name: str, text: str, labels: Sequence[str], *, buckets: Sequence[float]
) -> Histogram:
    """Defines a histogram with the upper limits `buckets`."""
    histogram = Histogram(name, text, labels, registry=None, buckets=buckets)
    METRICS.append(histogram)
    return histogram


def register_gauge(
    name: str, text: str, *, label: str = ""
) -> Callable[[Callable[[], Reading]], Callable[[], Reading]]:
    """Registers the decorated function as a gauge.

    It must read few rows by an index, and may raise DatabaseError. users/apps.py imports the module
    `gauges` of each room.
    """

    def register(read: Callable[[], Reading]) -> Callable[[], Reading]:
        GAUGES[name] = Gauge(name, text, label, read)
        return read

    return register


def reset_metrics() -> None:
    """Drops what was counted before, so that the next count opens the files of this process."""
    CHILDREN.clear()
    for metric in METRICS:
        metric.clear()


def count_up_to(rows: QuerySet, limit: int) -> int:
    """Returns the number of rows; `limit` if there are more."""
    return rows.order_by()[:limit].count()


def age_of_first(rows: QuerySet, field: str) -> float:
    """Returns the seconds since `field` of the first row, by the clock of the database; 0 without
    rows.
    """
    first = rows.annotate(database_now=Now()).values_list(field, "database_now").first()
    if first is None:
        return 0
    at, now = first
    return max((now - at).total_seconds(), 0)
