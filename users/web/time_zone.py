"""The time zone in which the viewer of a page reads and types times: that of their account."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone


def zone_named(name: str) -> ZoneInfo:
    """Returns a time zone; that of DEFAULT_TIME_ZONE for "" and for one that this machine lacks."""
    try:
        return ZoneInfo(name or settings.DEFAULT_TIME_ZONE)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(settings.DEFAULT_TIME_ZONE)


def activate_zone(viewer: Any) -> None:
    """Makes the viewer's zone the current one of Django until the end of the request.

    The keys of cached pages and fragments contain the current zone.
    """
    timezone.activate(zone_named(getattr(viewer, "time_zone", "")))


def zone_label() -> str:
    """Returns the name of the current zone as people read it, such as "America/New York"."""
    return timezone.get_current_timezone_name().replace("_", " ")


def local_time(at: datetime, zone: tzinfo | None = None) -> datetime:
    """Returns the time in a zone (the current one by default); in UTC if it is out of range there,
    in the year 1 or 9999.
    """
    try:
        return at.astimezone(zone or timezone.get_current_timezone())
    except OverflowError:
        return at.astimezone(UTC)


def offset_text(at: datetime) -> str:
    """Returns the difference from UTC, such as "UTC+2", "UTC-3:30" or "UTC"."""
    return offset_label(at.utcoffset() or timedelta())


@lru_cache(maxsize=256)
def iso_offset_label(offset: str) -> str:
    """Returns the label, such as "UTC+2", of an ISO 8601 offset such as "+02:00"."""
    return offset_text(datetime.fromisoformat(f"2000-01-01T00:00{offset}"))


@lru_cache(maxsize=256)
def offset_label(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes > 0 else "-"
    return f"UTC{sign}{hours}:{rest:02}" if rest else f"UTC{sign}{hours}"


def occurs_twice(at: datetime) -> bool:
    """Returns whether the clocks of the zone show this time twice, because they go back."""
    return at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()


def possible_times(typed: datetime, zone: tzinfo | None = None) -> list[datetime]:
    """Returns the points in time that clocks show as `typed`, which has no zone: usually one, two
    if clocks go back, and none if they go forward over it.
    """
    zone = zone or timezone.get_current_timezone()
    found: dict[datetime, datetime] = {}
    for fold in (0, 1):
        local = typed.replace(tzinfo=zone, fold=fold)
        utc = local.astimezone(UTC)
        if utc.astimezone(zone).replace(tzinfo=None) == typed:
            found[utc] = local
    return list(found.values())
