"""When a session ends by itself: SESSION_IDLE_MINUTES after its last request, and SESSION_MAX_HOURS
after the sign-in, by the clock of the database.

The row of a session always holds the earlier of the two, so that whoever reads rows needs no rules.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from users.database.clock import current_time

# When the owner of the session signed in, in its data. A new key of the session leaves it alone.
STARTED_KEY = "started"
IDLE_EVENT = "session.idle"
AGE_EVENT = "session.too_old"


def record_start(session: Any) -> None:
    """Stores in the session that its owner signs in now."""
    session[STARTED_KEY] = int(current_time().timestamp())


def start_time(data: Any) -> datetime | None:
    """Returns when the owner of the session of this data signed in; None for one of an earlier
    release, which gets its start with the next request.
    """
    started = data.get(STARTED_KEY)
    return None if started is None else datetime.fromtimestamp(started, UTC)


def age_limit(data: Any) -> datetime | None:
    """Returns when the session of this data ends however much it is used; None without a start."""
    started_at = start_time(data)
    if started_at is None:
        return None
    return started_at + timedelta(hours=settings.SESSION_MAX_HOURS)


def session_end_time(data: Any, used_at: datetime) -> datetime:
    """Returns when a session ends whose last request comes at `used_at`."""
    idle_end = used_at + timedelta(minutes=settings.SESSION_IDLE_MINUTES)
    latest = age_limit(data)
    return min(idle_end, latest) if latest else idle_end


def limit_event(data: Any, ended_at: datetime) -> str:
    """Returns which limit has ended the session."""
    latest = age_limit(data)
    return AGE_EVENT if latest and ended_at >= latest else IDLE_EVENT


def limit_cause(event: str) -> str:
    """Returns which limit has ended the session, in words; "" for another event."""
    if event == IDLE_EVENT:
        return f"it was not used for {number_words(settings.SESSION_IDLE_MINUTES, 'minute')}"
    if event == AGE_EVENT:
        hours = number_words(settings.SESSION_MAX_HOURS, "hour")
        return f"a session lasts {hours} at most"
    return ""


def number_words(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"
