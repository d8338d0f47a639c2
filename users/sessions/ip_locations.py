"""Looks up the location of a public IP address in the operator's own database (GEOIP_PATH).

Nothing is sent anywhere. A database that fails is logged once; pages then show the address alone.
"""

import logging
from functools import cache
from typing import Any

import maxminddb
from django.conf import settings

LOCATION_MAX = 60  # characters
logger = logging.getLogger("rollcall.locations")


def ip_location(address: str) -> str:
    """Returns a place such as "Berlin, Germany"; "" if it is unknown."""
    if not settings.GEOIP_PATH:
        return ""
    reader = location_reader(settings.GEOIP_PATH)
    try:
        record = reader.get(address) if reader else None
        return location_text(record) if isinstance(record, dict) else ""
    except Exception:  # A damaged file can raise anything, and no page may fail for it.
        log_broken_database(settings.GEOIP_PATH)
        return ""


def location_text(record: dict[str, Any]) -> str:
    """Returns the English names of city and country, as far as the record has them."""
    parts = (record.get("city"), record.get("country"))
    names = [part.get("names", {}).get("en", "") for part in parts if part]
    return ", ".join(name for name in names if name)[:LOCATION_MAX]


@cache
def location_reader(path: str) -> maxminddb.Reader | None:
    """Returns the open database, which each process maps into its memory once."""
    try:
        return maxminddb.open_database(path)
    except (maxminddb.InvalidDatabaseError, OSError, ValueError):
        log_broken_database(path)
        return None


@cache
def log_broken_database(path: str) -> None:
    logger.exception("GEOIP_PATH: %s can't be read, so locations are not shown", path)
