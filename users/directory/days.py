"""Parses days in filters: a date, or a number of days, weeks, months or years before today."""

import re
from datetime import UTC, datetime, timedelta

DAYS_PER_UNIT = {"d": 1, "w": 7, "m": 30, "y": 365}
UNIT_NAMES = {"d": "days", "w": "weeks", "m": "months", "y": "years"}
DAY_EXAMPLE = "2026-03-31 or -30d"


def parse_day(value: str) -> str:
    """Returns an ISO date, or a relative one (-30d, -2w, -6m, -1y) unchanged. Raises ValueError."""
    try:
        if re.fullmatch(r"-[0-9]{1,4}[dwmy]", value):
            day_start(value)
            return value
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
    except (ValueError, OverflowError):
        raise ValueError("Enter a date such as 2026-03-31, or -30d for 30 days ago.") from None


def day_start(value: str) -> datetime:
    """Returns the first instant of the day, in UTC."""
    if value.startswith("-"):
        midnight = datetime.now(UTC).replace(
            hour=0,
            minute=0,
            second=0,
            microsecond=0,
        )
        return midnight - timedelta(days=int(value[1:-1]) * DAYS_PER_UNIT[value[-1]])
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def day_end(value: str) -> datetime:
    """Returns the first instant after the day, in UTC; in the year 9999, of the day itself."""
    start = day_start(value)
    return start + timedelta(days=1) if start.year < 9999 else start


def ends_before(last: str, first: str) -> bool:
    """Returns whether the range of days from `first` to `last` is empty."""
    return day_end(last) <= day_start(first)


def describe_since(value: str) -> str:
    """Describes the first day of a range, such as "in the last 30 days"."""
    return f"in the last {describe_days(value)}" if value.startswith("-") else f"since {value}"


def describe_until(value: str) -> str:
    """Describes the last day of a range, such as "at least 30 days ago"."""
    return f"at least {describe_days(value)} ago" if value.startswith("-") else f"until {value}"


def describe_days(value: str) -> str:
    """Returns a relative date such as -30d as "30 days"."""
    number = int(value[1:-1])
    unit = UNIT_NAMES[value[-1]]
    return f"{number} {unit.removesuffix('s') if number == 1 else unit}"
