"""Points in time as HTML: short in the text, exact for machines and in the tooltip."""

from datetime import datetime

from django.utils import timezone
from django.utils.safestring import SafeString

MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MAX_DAYS_AGO = 60


def short_time_html(at: datetime | None, now: datetime | None = None) -> SafeString:
    """Returns the time if `at` is today, the day if it is this year, and else day and year; "" for
    None. The time zone is that of `now`, which defaults to the viewer's time.
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
    """Returns date, minute and time zone; "" for None."""
    if not at:
        return SafeString("")
    local = timezone.localtime(at)
    shown = f"{date_text(local)}, {clock_time(local)} {local.tzname()}"
    return SafeString(f'<time datetime="{at.isoformat()}">{shown}</time>')


def minute_time_html(at: datetime) -> SafeString:
    """Returns the form of the audit trail: day and minute, with the second in the tooltip."""
    local = timezone.localtime(at)
    is_this_year = local.year == timezone.localtime().year
    shown = f"{local.day} {MONTHS[local.month]}" if is_this_year else date_text(local)
    return titled_time_html(at, f"{shown}, {clock_time(local)}")


def days_ago_html(at: datetime) -> SafeString:
    """Returns "today", "yesterday", "3 days ago", or a date if `at` is long ago, with the second in
    the tooltip.
    """
    local = timezone.localtime(at)
    days = (timezone.localdate() - local.date()).days
    if days == 0:
        words = "today"
    elif days == 1:
        words = "yesterday"
    elif days < MAX_DAYS_AGO:
        words = f"{days} days ago"
    else:
        words = f"on {date_text(local)}"
    return titled_time_html(at, words)


def titled_time_html(at: datetime, words: str) -> SafeString:
    """Returns `words`, with the second and the time zone of `at` in the tooltip."""
    local = timezone.localtime(at)
    title = f"{local.isoformat(' ')[:19]} {local.tzname()}"
    return SafeString(f'<time datetime="{at.isoformat()}" title="{title}">{words}</time>')


def date_text(at: datetime) -> str:
    return f"{at.day} {MONTHS[at.month]} {at.year}"


def clock_time(at: datetime) -> str:
    return f"{at.hour:02}:{at.minute:02}"
