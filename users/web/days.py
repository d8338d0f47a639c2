"""Parses days in filters: a date, or a number of days, weeks, months or years before today.

A day begins and ends in a time zone. People type it in their own, which becomes a part of the value
("2026-03-31 Europe/Berlin"), so that a saved view, a job and a worker mean the same day. A value
without a zone is a day in UTC.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from users.identifiers import time_zones

DAYS_PER_UNIT = {
    "d": 1,
    "w": 7,
    "m": 30,
    "y": 365,
}
UNIT_NAMES = {
    "d": "days",
    "w": "weeks",
    "m": "months",
    "y": "years",
}
DAY_EXAMPLE = "2026-03-31 or -30d"


def parse_day(value: str) -> str:
    """Returns an ISO date, or a relative one (-30d, -2w, -6m, -1y) unchanged, with its zone: the
    one that is given, or else the current one. Where both are UTC it is left out. Raises
    ValueError.
    """
    day, _, name = value.partition(" ")
    current = timezone.get_current_timezone_name()
    zone = name or current
    try:
        if not re.fullmatch(r"-[0-9]{1,4}[dwmy]", day):
            day = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
        if zone not in time_zones():
            raise ValueError(zone)
        parsed = day if zone == current == "UTC" else f"{day} {zone}"
        day_start(parsed)
        day_end(parsed)
    except (ValueError, OverflowError):
        raise ValueError("Enter a date such as 2026-03-31, or -30d for 30 days ago.") from None
    return parsed


def day_start(value: str) -> datetime:
    """Returns the first instant of the day, in UTC."""
    return midnight(first_day(value), value)


def day_end(value: str) -> datetime:
    """Returns the first instant after the day, in UTC; in the year 9999, of the day itself."""
    day = first_day(value)
    return midnight(day + timedelta(days=1) if day.year < 9999 else day, value)


def first_day(value: str) -> date:
    """Returns the date that a value means; a relative one is counted from today in its zone."""
    day, zone = split_zone(value)
    if not day.startswith("-"):
        return date.fromisoformat(day)
    today = datetime.now(zone).date()
    return today - timedelta(days=int(day[1:-1]) * DAYS_PER_UNIT[day[-1]])


def absolute_day(value: str) -> str:
    """Returns the date that a value means, always with its zone."""
    zone = split_zone(value)[1]
    return f"{first_day(value).isoformat()} {zone.key}"


def midnight(day: date, value: str) -> datetime:
    """Returns the first instant of a date in the zone of the value, in UTC."""
    return datetime.combine(day, time.min, tzinfo=split_zone(value)[1]).astimezone(UTC)


def split_zone(value: str) -> tuple[str, ZoneInfo]:
    day, _, name = value.partition(" ")
    return day, ZoneInfo(name or "UTC")


def next_midnight(value: str) -> datetime:
    """Returns the end of today in the zone of the value, in UTC."""
    today = datetime.now(split_zone(value)[1]).date()
    return midnight(today + timedelta(days=1), value)


def format_day(value: str) -> str:
    """Returns a value as people type it: without the zone if it is the current one."""
    return value.removesuffix(f" {timezone.get_current_timezone_name()}")


def ends_before(last: str, first: str) -> bool:
    """Returns whether the range of days from `first` to `last` is empty."""
    return day_end(last) <= day_start(first)


def describe_since(value: str) -> str:
    """Describes the first day of a range, such as "in the last 30 days"."""
    day = value.partition(" ")[0]
    since = f"in the last {describe_days(day)}" if day.startswith("-") else f"since {day}"
    return since + describe_zone(value)


def describe_until(value: str) -> str:
    """Describes the last day of a range, such as "at least 30 days ago"."""
    day = value.partition(" ")[0]
    until = f"at least {describe_days(day)} ago" if day.startswith("-") else f"until {day}"
    return until + describe_zone(value)


def describe_zone(value: str) -> str:
    """Returns the zone of a value in brackets; "" if it is the current one."""
    name = value.partition(" ")[2] or "UTC"
    return "" if name == timezone.get_current_timezone_name() else f" ({name.replace('_', ' ')})"


def describe_days(value: str) -> str:
    """Returns a relative date such as -30d as "30 days"."""
    number = int(value[1:-1])
    unit = UNIT_NAMES[value[-1]]
    return f"{number} {unit.removesuffix('s') if number == 1 else unit}"
