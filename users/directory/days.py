"""The directory's filters that take a day (users/web/days.py)."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from datetime import timezone as fixed_zone

from django.http import QueryDict

from users.web.days import first_day, next_midnight

# The filters that take a day.
DAY_FILTERS = ("joined_from", "joined_to", "seen_from", "seen_to")
# The current zone while words are composed that are stored: they name each zone, even UTC.
STORED_WORDS_ZONE = fixed_zone(timedelta(0), "stored words")


def relative_days(values: dict[str, str]) -> tuple[date, ...]:
    """Returns the dates that the relative days among the values of filters mean today."""
    days = [values[name] for name in DAY_FILTERS if name in values]
    return tuple(first_day(day) for day in days if day.startswith("-"))


def relative_days_end(values: dict[str, str]) -> datetime | None:
    """Returns the next midnight at which a relative day among the values of filters becomes another
    date; None if there is none.
    """
    days = [values[name] for name in DAY_FILTERS if name in values]
    ends = [next_midnight(day) for day in days if day.startswith("-")]
    return min(ends, default=None)


def add_utc_to_days(query: QueryDict, names: Iterable[str] = DAY_FILTERS) -> QueryDict:
    """Returns a stored query string of a filter with UTC added to days without a zone, which were
    stored for somebody in UTC: the current zone is that of another viewer. `names`: the filters
    that take a day.
    """
    explicit = query.copy()
    for name in names:
        day = str(explicit.get(name, ""))
        if day and " " not in day:
            explicit[name] = f"{day} UTC"
    return explicit
