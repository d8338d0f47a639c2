"""How often signing in to one account may fail. allauth counts, in the cache `default`; here it is
asked and reset.

It counts for each account, whatever name and host were typed: who knows username and address has no
second try, and a Host header with another port is no other counter.
"""

from datetime import UTC, datetime, timedelta

from allauth.core.internal import ratelimit
from django.core.cache import caches
from django.utils import timezone

from users.models import User

APP = "allauth.account"
ACTION = "login_failed"


def throttle_subject(account: User | None, typed: str) -> str:
    """Whose failures are counted together."""
    return f"account:{account.pk}" if account else f"typed:{typed}"


def locked_until(account: User) -> datetime | None:
    """The moment from which on the right password is taken again; None where it is taken now. One
    read of the cache.
    """
    return subject_locked_until(throttle_subject(account, ""))


def subject_locked_until(whose: str) -> datetime | None:
    """Returns when sign-in works again for this throttle subject, or None if it works now."""
    counters = counter_keys(whose)
    held = caches["default"].get_many(list(counters)) if counters else {}
    now = timezone.now()
    ends = []
    for key, history in held.items():
        rate = counters[key]
        counted = sorted(moment for moment in history if moment > now.timestamp() - rate.duration)
        if len(counted) >= rate.amount:  # free again when all but amount - 1 are too old
            ends.append(
                datetime.fromtimestamp(counted[-rate.amount], UTC)
                + timedelta(seconds=rate.duration)
            )
    return max(ends, default=None)


def reset_failures(account: User) -> None:
    caches["default"].delete_many(list(counter_keys(throttle_subject(account, ""))))


def counter_keys(name: str) -> dict[str, ratelimit.Rate]:
    """The cache keys of the limits that count by account, for a `subject`."""
    rates = [rate for rate in ratelimit.get_rates(app=APP, action=ACTION) if rate.per == "key"]
    return {
        ratelimit.get_cache_key(
            None,
            app=APP,
            action=ACTION,
            rate=rate,
            key=name,
        ): rate
        for rate in rates
    }
