"""Periods of the plots, and their days, which are in UTC."""

from dataclasses import dataclass
from datetime import date, timedelta

from users.exceptions import BadParameter


@dataclass(frozen=True)
class Bucket:
    """The days of one bar."""

    first: date
    last: date

    @property
    def label(self) -> str:
        """The days as a table shows them."""
        if self.first == self.last:
            return f"{self.first.day} {self.first:%b %Y}"
        if self.first.day == 1:
            return f"{self.first:%B %Y}"
        return f"{self.first.day} {self.first:%b} to {self.last.day} {self.last:%b %Y}"

    @property
    def tick(self) -> str:
        """The days as the axis shows them."""
        if (self.last - self.first).days > 7:
            return f"{self.first:%b %Y}"
        return f"{self.first.day} {self.first:%b}"


@dataclass(frozen=True)
class Period:
    """A choice of the reader. A period of days has bars of `step` days; one of months has no
    `step`.
    """

    value: str
    label: str
    count: int
    step: int = 0

    @property
    def bucket_heading(self) -> str:
        """The heading of the column with the labels of the buckets."""
        if not self.step:
            return "Month"
        return "Day" if self.step == 1 else "Days"

    def buckets(self, today: date) -> list[Bucket]:
        """Returns the bars, oldest first. The last one ends today."""
        if self.step:
            return day_buckets(today, self.count, self.step)
        return month_buckets(today, self.count)


PERIODS = (
    Period(
        value="30d",
        label="30 days",
        count=30,
        step=1,
    ),
    Period(
        value="90d",
        label="90 days",
        count=18,
        step=5,
    ),
    Period(
        value="12m",
        label="12 months",
        count=12,
    ),
)
PERIODS_BY_VALUE = {period.value: period for period in PERIODS}


def parse_period(value: str) -> Period:
    """Returns the period of a parameter, the first one for "". Raises BadParameter."""
    if not value:
        return PERIODS[0]
    if value not in PERIODS_BY_VALUE:
        raise BadParameter("period", f"Allowed values: {', '.join(PERIODS_BY_VALUE)}.")
    return PERIODS_BY_VALUE[value]


def day_buckets(today: date, count: int, step: int) -> list[Bucket]:
    buckets = []
    for number in range(count):
        last = today - timedelta(days=step * number)
        buckets.append(Bucket(last - timedelta(days=step - 1), last))
    return buckets[::-1]


def month_buckets(today: date, count: int) -> list[Bucket]:
    buckets = []
    last = today
    for _ in range(count):
        first = last.replace(day=1)
        buckets.append(Bucket(first, last))
        last = first - timedelta(days=1)
    return buckets[::-1]
