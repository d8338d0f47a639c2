"""Counts failed sign-ins in the cache `default`, with allauth's counters.

They count by account and by where the attempt came from: a network address, or a browser that has
signed in to the account before (users/sessions/known_devices.py). A stranger's failures therefore
lock out nobody else. Failures from all unknown places together have a limit of their own, which
known devices are exempt from.
"""

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from allauth.core.internal import ratelimit
from django.core.cache import caches

from users.database.clock import current_seconds, current_time
from users.models import User
from users.sessions.known_devices import device_of

APP = "allauth.account"
ACTION = "login_failed"
# Failures of one account from unknown places, in an hour.
TOTAL_ACTION = "login_failed_unknown"
TOTAL_RATE = "100/1h/key"
# Wrong second factors of one account, from all places together.
FACTOR_ACTION = "factor_failed"
FACTOR_RATES = "5/5m/key,30/1d/key"
# Hosts share the counters, and allauth would go by the clock of each.
ratelimit.time = SimpleNamespace(  # type: ignore[assignment]
    time=current_seconds,
    monotonic=time.monotonic,
    sleep=time.sleep,
)
# Places of recent failures that are remembered for each account, to unlock it.
MAX_PLACES = 100


def throttle_subject(account: User | None, typed: str) -> str:
    """Returns the name under which failures are counted: the account, or else the typed login."""
    return f"account:{account.pk}" if account else f"typed:{typed}"


def attempt_place(request: Any, account: User | None) -> str:
    """Returns where an attempt comes from: a known device of the account, or a network address."""
    device = device_of(request, account) if account else ""
    return f"device:{device}" if device else f"ip:{ratelimit.get_ip(request)}"


def consume_attempt(request: Any, subject: str, place: str) -> ratelimit.RateLimitUsage | None:
    """Counts an attempt as failed; the caller takes it back after a success. Returns None if the
    limit is reached.
    """
    remember_place(subject, place)
    limits = [(ACTION, own_rates(place), place_key(subject, place))]
    if not place.startswith("device:") and total_rates():
        limits.append((TOTAL_ACTION, [TOTAL_RATE], subject))
    together = ratelimit.RateLimitUsage(usage=[])
    for action, rates, key in limits:
        config = {action: ",".join(map(str, rates))}
        usage = ratelimit.consume(
            request,
            app=APP,
            action=action,
            key=key,
            config=config,
        )
        if usage is None:
            together.rollback()
            return None
        together.usage += usage.usage
    return together


def consume_factor_attempt(request: Any, account: User) -> ratelimit.RateLimitUsage | None:
    """Counts a second factor as wrong; the caller takes it back after a success. Returns None if
    the limit is reached.
    """
    if not total_rates():
        return ratelimit.RateLimitUsage(usage=[])
    return ratelimit.consume(
        request,
        app=APP,
        action=FACTOR_ACTION,
        key=throttle_subject(account, ""),
        config={FACTOR_ACTION: FACTOR_RATES},
    )


def own_rates(place: str) -> list[str]:
    """Returns the rates of attempts. A known device is not counted with others of its network."""
    rates = ratelimit.get_rates(app=APP, action=ACTION)
    is_known = place.startswith("device:")
    return [rate_text(rate) for rate in rates if rate.per == "key" or not is_known]


def rate_text(rate: ratelimit.Rate) -> str:
    return f"{rate.amount}/{rate.duration}s/{rate.per}"


def total_rates() -> list[ratelimit.Rate]:
    """Returns the rate of all unknown places together; none where limits are turned off."""
    is_limited = bool(ratelimit.get_rates(app=APP, action=ACTION))
    return ratelimit.parse_rates(TOTAL_RATE) if is_limited else []


def place_key(subject: str, place: str) -> str:
    return f"{subject}|{place}"


def places_cache_key(subject: str) -> str:
    return f"signin-places:{subject}" if subject.startswith("account:") else ""


def remember_place(subject: str, place: str) -> None:
    """Adds a place to those of recent attempts to sign in to an account."""
    cache_key = places_cache_key(subject)
    if not cache_key:
        return
    known = caches["default"].get(cache_key, [])
    if place not in known:
        seconds = max(rate.duration for rate in ratelimit.parse_rates(TOTAL_RATE))
        caches["default"].set(cache_key, [place, *known][:MAX_PLACES], seconds)


def locked_until(account: User) -> datetime | None:
    """Returns when signing in to the account works again from every place, or None if it works now.

    It takes one read of the cache, and a second one if somebody has tried lately.
    """
    subject = throttle_subject(account, "")
    total = total_counters(subject) | factor_counters(subject)
    found = caches["default"].get_many([places_cache_key(subject), *total])
    counters = place_counters(subject, found.pop(places_cache_key(subject), []))
    if counters:
        found |= caches["default"].get_many(list(counters))
    return lock_end(total | counters, found)


def subject_locked_until(subject: str, place: str) -> datetime | None:
    """Returns when signing in works again from one place, or None if it works now."""
    counters = counter_keys(place_key(subject, place))
    if not place.startswith("device:"):
        counters |= total_counters(subject)
    return lock_end(counters, caches["default"].get_many(list(counters)))


def lock_end(counters: dict[str, ratelimit.Rate], histories: dict[str, Any]) -> datetime | None:
    """Returns when the last of the counters that are at their limit allows another attempt."""
    now = current_time()
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
    subject = throttle_subject(account, "")
    places = caches["default"].get(places_cache_key(subject), [])
    counters = place_counters(subject, places) | total_counters(subject)
    counters |= factor_counters(subject)
    caches["default"].delete_many([*counters, places_cache_key(subject)])


def place_counters(subject: str, places: list[str]) -> dict[str, ratelimit.Rate]:
    """Returns the rates of an account from these places, by the cache keys of their counters."""
    counters: dict[str, ratelimit.Rate] = {}
    for place in places:
        counters |= counter_keys(place_key(subject, place))
    return counters


def counter_keys(key: str) -> dict[str, ratelimit.Rate]:
    """Returns the rates that count by subject and place, by the cache keys of their counters."""
    rates = [rate for rate in ratelimit.get_rates(app=APP, action=ACTION) if rate.per == "key"]
    return {cache_key(ACTION, rate, key): rate for rate in rates}


def total_counters(subject: str) -> dict[str, ratelimit.Rate]:
    """Returns the rate of all unknown places together, by the cache key of its counter."""
    return {cache_key(TOTAL_ACTION, rate, subject): rate for rate in total_rates()}


def factor_counters(subject: str) -> dict[str, ratelimit.Rate]:
    """Returns the rates of wrong second factors, by the cache keys of their counters."""
    rates = ratelimit.parse_rates(FACTOR_RATES) if total_rates() else []
    return {cache_key(FACTOR_ACTION, rate, subject): rate for rate in rates}


def cache_key(action: str, rate: ratelimit.Rate, key: str) -> str:
    return ratelimit.get_cache_key(
        None,
        app=APP,
        action=action,
        rate=rate,
        key=key,
    )
