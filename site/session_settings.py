"""How long sessions last, when people have to confirm who they are, and where IP addresses are."""

from pathlib import Path

import environ
import maxminddb
from connections import parse_number
from django.core.exceptions import ImproperlyConfigured

# Name → default, lowest and highest value: minutes without a request and hours since the sign-in
# after which a session ends; minutes for which a confirmed identity counts, and the number of
# accounts above which every bulk job asks for it (users/sudo/). Use is recorded every five minutes,
# so a session can't end after fewer.
LIMITS = {
    "SESSION_IDLE_MINUTES": (60, 10, 14 * 24 * 60),
    "SESSION_MAX_HOURS": (24, 1, 90 * 24),
    "SUDO_MINUTES": (15, 1, 24 * 60),
    "SUDO_BULK_ABOVE": (100, 0, 10**9),
}


def session_limits(env: environ.Env) -> tuple[int, int, int, int]:
    """Returns the settings in LIMITS, in their order. Raises ImproperlyConfigured."""
    found = []
    for name, (default, low, high) in LIMITS.items():
        number = parse_number(env.str(name, str(default)))
        if number is None or int(number) != number or not low <= number <= high:
            text = f"{name} is wrong: it is a number from {low:,} to {high:,}."
            raise ImproperlyConfigured(text)
        found.append(int(number))
    idle_minutes, max_hours, sudo_minutes, sudo_bulk_above = found
    return idle_minutes, max_hours, sudo_minutes, sudo_bulk_above


def geoip_path(env: environ.Env) -> str:
    """Returns GEOIP_PATH, the database in which the place of an IP address is looked up; "" for
    none. Raises ImproperlyConfigured for one that can't be read.
    """
    path = env.str("GEOIP_PATH", "")
    if not path:
        return ""
    if not Path(path).is_file():
        raise ImproperlyConfigured(f"GEOIP_PATH is wrong: there is no file {path}.")
    try:
        maxminddb.open_database(path).close()
    except (maxminddb.InvalidDatabaseError, OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"GEOIP_PATH is wrong: {path} is no MaxMind database (.mmdb)."
        ) from error
    return path
