"""The time of the database, which is one for all hosts: their clocks differ.

A process compares the clock of its host with the database's whenever it opens a connection. Between
two comparisons it goes by a clock that nobody sets, so a host whose clock is set does no harm.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

# Clocks are compared over a network, so smaller differences are not corrected.
TOLERANCE_SECONDS = 1.0
# Counts seconds since the start of the host, also while it is suspended.
STEADY_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class DatabaseClock:
    """The difference between the database's clock and that of this host."""

    # Seconds from the steady clock to the database's clock; None before the first comparison.
    offset: float | None = None

    def compare(self, now: datetime) -> None:
        """Notes the database's time, which it has just answered."""
        self.offset = now.timestamp() - time.clock_gettime(STEADY_CLOCK)

    def seconds_ahead(self) -> float:
        """Returns by how many seconds the database is ahead of this host; 0 if it is little."""
        if self.offset is None:
            return 0.0
        seconds = self.offset + time.clock_gettime(STEADY_CLOCK) - time.time()
        return seconds if abs(seconds) > TOLERANCE_SECONDS else 0.0


DATABASE_CLOCK = DatabaseClock()


def current_time() -> datetime:
    """Returns the time, by the database's clock if the clock of this host is wrong."""
    return timezone.now() + timedelta(seconds=DATABASE_CLOCK.seconds_ahead())


def not_after_now(moment: datetime) -> datetime:
    """Returns a stored time, or the current one if it is in the future: the database's clock was
    ahead then.
    """
    return min(moment, current_time())


def current_hour() -> datetime:
    """Returns the beginning of the current clock hour in UTC."""
    return current_time().replace(minute=0, second=0, microsecond=0)


def current_seconds() -> float:
    """Returns the current time in seconds since 1970, as `time.time` does."""
    return time.time() + DATABASE_CLOCK.seconds_ahead()


def utc_text(moment: datetime | None) -> str | None:
    """Returns a time in UTC, such as "2026-03-31T12:00:00Z"; None for none."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def utc_second_text(at: datetime) -> str:
    """Returns a point in time in UTC to the second, e.g. 2026-03-01T12:30:00Z."""
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def database_now() -> Any:
    """Returns the time now, to store or to compare with: on PostgreSQL an expression, which reads
    the server's clock. SQLite has the clock of this host.
    """
    return Now() if connection.vendor == "postgresql" else timezone.now()
