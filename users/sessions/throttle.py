"""Reads and resets allauth's counters of failed sign-ins, which it keeps in the cache `default`.

They count by account, whatever the login and the host: the username and the email address of one
account share a counter, and so do Host headers with different ports.
"""

from datetime import UTC, datetime, timedelta

from allauth.core.internal import ratelimit
from django.core.cache import caches
from django.utils import timezone

from users.models import User

APP = "allauth.account"
ACTION = "login_failed"


def throttle_subject(account: User | None, typed: str) -> str:
    """Returns the key under which failures are counted: the account, or else the typed login."""
    return f"account:{account.pk}" if account else f"typed:{typed}"


def locked_until(account: User) -> datetime | None:
    """Returns when signing in to the account works again, or None if it works now.

    It takes one read of the cache.
    """
    return subject_locked_until(throttle_subject(account, ""))


def subject_locked_until(subject: str) -> datetime | None:
    """Returns when signing in works again for a throttle subject, or None if it works now."""
    counters = counter_keys(subject)
    histories = caches["default"].get_many(list(counters)) if counters else {}
    now = timezone.now()
    ends = []
    for key, history in histories.items():
        rate = counters[key]
        start = now.timestamp() - rate.duration
        failures = sorted(moment for moment in history if moment > start)
        if len(failures) >= rate.amount:
            # The lock ends when only amount - 1 failures are still counted.
            deciding = datetime.fromtimestamp(failures[-rate.amount], UTC)
            ends.append(deciding + timedelta(seconds=rate.duration))
    return max(ends, default=None)


def reset_failures(account: User) -> None:
    caches["default"].delete_many(list(counter_keys(throttle_subject(account, ""))))


def counter_keys(subject: str) -> dict[str, ratelimit.Rate]:
    """Returns the rates that count by subject, by the cache keys of their counters."""
    keys = {}
    for rate in ratelimit.get_rates(app=APP, action=ACTION):
        if rate.per == "key":
            key = ratelimit.get_cache_key(None, app=APP, action=ACTION, rate=rate, key=subject)
            keys[key] = rate
    return keys
