"""The years that the list has links to: those in which an account is."""

from datetime import datetime
from typing import Any

from django.core.cache import caches
from django.db import connections
from django.db.models import F, QuerySet
from django.utils import timezone

from users.database.compiled_sql import compile_queryset
from users.directory.filters import FIRST_SEEN, range_condition
from users.directory.sorts import SORT_COLUMNS, KeyRange
from users.models import User
from users.web.time_zone import local_time

# Years may be outdated for as long as "last seen" on cached pages.
YEARS_SECONDS = 50
NEWEST_FIRST = {"joined", "seen"}
EARLIEST_YEAR = 1970


def jump_years(sort: str) -> tuple[int, ...]:
    """Returns the years with accounts in the order of a date, ascending and in the current time
    zone. Empty for other orders, and without accounts.
    """
    name = sort.removeprefix("-")
    if name not in NEWEST_FIRST:
        return ()
    key = f"years:{name}:{timezone.get_current_timezone_name()}"
    cache = caches["process"]
    years = cache.get(key)
    if years is None:
        years = query_years(name)
        cache.set(key, years, YEARS_SECONDS)
    return tuple(years)


def query_years(name: str) -> list[int]:
    """Reads the years between both ends of the index of a date, with one probe for each."""
    # A date that cannot be right must not make a link for each century.
    latest = timezone.localdate().year + 1
    ends = [min(max(local_time(end).year, EARLIEST_YEAR), latest) for end in query_ends(name)]
    if not ends:
        return []
    between = [*range(ends[0] + 1, ends[1])]
    found = query_filled_years(name, between) if between else []
    return sorted({*ends, *found})


def query_ends(name: str) -> list[datetime]:
    """Reads the first and the last time from both ends of the index of a date."""
    descending = newest_first(name)
    ends: list[datetime] = []
    for ordered in (descending.reverse(), descending):
        ends += ordered.values_list(SORT_COLUMNS[name].column, flat=True)[:1]
    return ends


def query_filled_years(name: str, years: list[int]) -> list[int]:
    """Returns the years in which an account is, with one query."""
    probes = []
    values: list[Any] = []
    for year in years:
        in_year = KeyRange(year_start(year), year_start(year + 1))
        # The order lets PostgreSQL use the index, however many accounts it expects.
        first = newest_first(name).filter(range_condition(name, in_year)).values("pk")[:1]
        sql, params = compile_queryset(first)
        probes.append(f"({sql}) IS NOT NULL")
        values += params
    with connections[first.db].cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(probes)}", values)
        found = cursor.fetchone()
    return [year for year, is_filled in zip(years, found, strict=True) if is_filled]


def newest_first(name: str) -> QuerySet[User]:
    """Returns the accounts in the order in which the index of a date is declared."""
    sort = SORT_COLUMNS[name]
    accounts = User.objects.all()
    if name == "seen":
        accounts = accounts.filter(range_condition("seen", KeyRange(FIRST_SEEN)))
    return accounts.order_by(sort.key.desc(), F("id").desc())


def year_start(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=timezone.get_current_timezone())
