"""Points in time as people read them: short for the eye, exact for the machine and in the tooltip."""

from datetime import datetime

from django.utils import timezone
from django.utils.safestring import SafeString

MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def stamp(at: datetime | None, now: datetime | None = None) -> SafeString:
    """The time for today, the day for this year, else day and year; "" for None. Nothing in it needs escaping."""
    if at is None:
        return SafeString("")
    at, now = timezone.localtime(at), now or timezone.localtime()
    day = f"{at.year:04}-{at.month:02}-{at.day:02}"
    second = f"{at.hour:02}:{at.minute:02}:{at.second:02}"
    return SafeString(f'<time datetime="{at.isoformat()}" title="{day} {second} {at.tzname()}">{short(at, now)}</time>')


def short(at: datetime, now: datetime) -> str:
    if at.year != now.year:
        return f"{at.day} {MONTHS[at.month]} {at.year}"
    if at.month != now.month or at.day != now.day:
        return f"{at.day} {MONTHS[at.month]}"
    return f"{at.hour:02}:{at.minute:02}"
