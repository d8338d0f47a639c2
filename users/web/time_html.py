"""Points in time as people read them: short for the eye, exact for the machine and in the tooltip."""

from datetime import datetime

from django.utils import timezone
from django.utils.safestring import SafeString

MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MAX_DAYS_AGO = 60  # days


def short_time_html(at: datetime | None, now: datetime | None = None) -> SafeString:
    """The time for today, the day for this year, else day and year, in the zone of `now` (default:
    the viewer's); "" for None. Nothing in it needs escaping.
    """
    if at is None:
        return SafeString("")
    now = now or timezone.localtime()
    at = at.astimezone(now.tzinfo)
    exact = at.isoformat()
    title = f"{exact[:10]} {exact[11:19]} {at.tzname()}"
    return SafeString(f'<time datetime="{exact}" title="{title}">{short_date(at, now)}</time>')


def short_date(at: datetime, now: datetime) -> str:
    if at.year != now.year:
        return date_text(at)
    if at.month != now.month or at.day != now.day:
        return f"{at.day} {MONTHS[at.month]}"
    return clock_time(at)


def full_time_html(at: datetime | None) -> SafeString:
    """A point in time to the minute, with the zone named; "" for None."""
    if not at:
        return SafeString("")
    local = timezone.localtime(at)
    return SafeString(
        f'<time datetime="{at.isoformat()}">{date_text(local)}, {clock_time(local)} {local.tzname()}</time>'
    )


def minute_time_html(at: datetime) -> SafeString:
    """A point in time as the trail shows it: day and minute, the second in the tooltip."""
    local = timezone.localtime(at)
    now = timezone.localtime()
    title = f"{local.isoformat(' ')[:19]} {local.tzname()}"
    shown = date_text(local) if local.year != now.year else f"{local.day} {MONTHS[local.month]}"
    return SafeString(
        f'<time datetime="{at.isoformat()}" title="{title}">{shown}, {clock_time(local)}</time>'
    )


def days_ago_html(at: datetime) -> SafeString:
    """today, yesterday, 3 days ago; the day where that says more, and the second in the tooltip."""
    local = timezone.localtime(at)
    days = (timezone.localdate() - timezone.localtime(at).date()).days
    words = {0: "today", 1: "yesterday"}.get(
        days, f"{days} days ago" if days < MAX_DAYS_AGO else f"on {date_text(local)}"
    )
    title = f"{local.isoformat(' ')[:19]} {local.tzname()}"
    return SafeString(f'<time datetime="{at.isoformat()}" title="{title}">{words}</time>')


def date_text(at: datetime) -> str:
    return f"{at.day} {MONTHS[at.month]} {at.year}"


def clock_time(at: datetime) -> str:
    return f"{at.hour:02}:{at.minute:02}"
