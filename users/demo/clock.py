"""Formats times as text without a datetime for each: the demo needs tens of millions of them."""

from datetime import UTC, datetime, timedelta

YEARS = 8
MICROSECONDS = 1_000_000
DAY_MICROSECONDS = 24 * 3600 * MICROSECONDS
HISTORY_MICROSECONDS = YEARS * 365 * DAY_MICROSECONDS


class Clock:
    """Formats moments, which are microseconds since eight years before `until`.

    The format is the one that Django stores on SQLite and that both databases read: UTC without an
    offset, and microseconds only if there are any.
    """

    def __init__(self, until: datetime):
        start = until.astimezone(UTC) - timedelta(microseconds=HISTORY_MICROSECONDS)
        first_day = start.replace(
            hour=0,
            minute=0,
            second=0,
            microsecond=0,
        )
        self.offset = (start - first_day) // timedelta(microseconds=1)
        self.days = [
            f"{first_day + timedelta(days=day):%Y-%m-%d} " for day in range(2 * YEARS * 365)
        ]
        self.seconds = [
            f"{hour:02}:{minute:02}:{second:02}"
            for hour in range(24)
            for minute in range(60)
            for second in range(60)
        ]

    def text(self, moment: int) -> str:
        day, rest = divmod(moment + self.offset, DAY_MICROSECONDS)
        second, micro = divmod(rest, MICROSECONDS)
        whole = self.days[day] + self.seconds[second]
        return f"{whole}.{micro:06}" if micro else whole

    def midnight(self, moment: int) -> int:
        """Returns the beginning of the day, but never a moment before the first one.

        Nightly imports write such times, so many accounts share one.
        """
        return max(0, moment - (moment + self.offset) % DAY_MICROSECONDS)
