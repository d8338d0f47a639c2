"""Points in time as text and HTML, in the current zone: short in the text, exact for machines and
in the tooltip, with UTC beside.
"""

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.safestring import SafeString

from users.web.time_zone import iso_offset_label, local_time, occurs_twice, offset_text

MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MAX_DAYS_AGO = 60


def short_time_html(at: datetime | None, now: datetime | None = None) -> SafeString:
    """Returns the time if `at` is today, the day if it is this year, and else day and year; "" for
    None. The time zone is that of `now`, which defaults to the viewer's time.
    """
    if at is None:
        return SafeString("")
    now = now or timezone.localtime()
    local = local_time(at, now.tzinfo)
    return titled_time_html(local, short_date(local, now))


def short_date(at: datetime, now: datetime) -> str:
    if at.year != now.year:
        return date_text(at)
    if at.month != now.month or at.day != now.day:
        return f"{at.day} {MONTHS[at.month]}"
    return clock_time(at)


def full_time_html(at: datetime | None) -> SafeString:
    """Returns date, minute and difference from UTC; "" for None."""
    if not at:
        return SafeString("")
    return titled_time_html(local_time(at), full_time_text(at))


def full_time_text(at: datetime) -> str:
    """Returns date, minute and difference from UTC, such as "1 Mar 2026, 13:30 UTC+1"."""
    local = local_time(at)
    return f"{date_text(local)}, {local:%H:%M} {offset_text(local)}"


def minute_time_html(at: datetime) -> SafeString:
    """Returns the form of the audit trail: day and minute, with the second in the tooltip."""
    local = local_time(at)
    return titled_time_html(local, f"{day_text(local)}, {clock_time(local)}")


def date_html(at: datetime) -> SafeString:
    """Returns day, month and year, with the second in the tooltip."""
    local = local_time(at)
    return titled_time_html(local, date_text(local))


def second_time_html(at: datetime) -> SafeString:
    """Returns the time to the second, with the day unless it is today."""
    local = local_time(at)
    day = "" if local.date() == timezone.localdate() else f"{date_text(local)}, "
    return titled_time_html(local, f"{day}{local:%H:%M:%S}{repeated_offset(local)}")


def clock_time_html(at: datetime) -> SafeString:
    """Returns hour and minute."""
    local = local_time(at)
    return titled_time_html(local, clock_time(local))


def days_ago_html(at: datetime) -> SafeString:
    """Returns "today", "yesterday", "3 days ago", or a date if `at` is long ago, with the second in
    the tooltip.
    """
    local = local_time(at)
    days = (timezone.localdate() - local.date()).days
    if days == 0:
        words = "today"
    elif days == 1:
        words = "yesterday"
    elif days < MAX_DAYS_AGO:
        words = f"{days} days ago"
    else:
        words = f"on {date_text(local)}"
    return titled_time_html(local, words)


def titled_time_html(local: datetime, words: str) -> SafeString:
    """Returns `words`, with the second and the difference from UTC in the tooltip, and UTC beside
    unless it is the same.
    """
    exact = local.isoformat(timespec="seconds")
    # The end of the text, because asking the zone again takes as long as writing it.
    offset = iso_offset_label(exact[19:])
    title = f"{exact[:10]} {exact[11:19]} {offset}"
    if offset != "UTC":
        title += f", {local.astimezone(UTC).isoformat(' ')[:19]} UTC"
    return SafeString(f'<time datetime="{exact}" title="{title}">{words}</time>')


def date_text(at: datetime) -> str:
    return f"{at.day} {MONTHS[at.month]} {at.year}"


def day_text(at: datetime) -> str:
    """Returns the day, with the year unless it is this one."""
    is_this_year = at.year == timezone.localtime().year
    return f"{at.day} {MONTHS[at.month]}" if is_this_year else date_text(at)


def clock_time(at: datetime) -> str:
    """Returns hour and minute, with the difference from UTC where the time occurs twice."""
    return f"{at.hour:02}:{at.minute:02}{repeated_offset(at)}"


def repeated_offset(at: datetime) -> str:
    return f" {offset_text(at)}" if occurs_twice(at) else ""
