"""The years that the list has links to: from that of the first account to that of the last."""

from datetime import datetime

from django.core.cache import caches
from django.db.models import F

from users.directory.filters import FIRST_SEEN, range_condition
from users.directory.sorts import SORT_COLUMNS, KeyRange
from users.models import User

# How old the years may be, which are as soft as the times of "last seen".
YEARS_SECONDS = 50
NEWEST_FIRST = {"joined", "seen"}


def jump_years(sort: str) -> range:
    """Returns the years between the first and the last account in the order of a date. Empty for
    other orders, and without accounts.
    """
    name = sort.removeprefix("-")
    if name not in NEWEST_FIRST:
        return range(0)
    cache = caches["process"]
    years = cache.get(f"years:{name}")
    if years is None:
        years = query_years(name)
        cache.set(f"years:{name}", years, YEARS_SECONDS)
    return years


def query_years(name: str) -> range:
    """Reads both ends of the index of a date."""
    sort = SORT_COLUMNS[name]
    accounts = User.objects.all()
    if name == "seen":
        accounts = accounts.filter(range_condition("seen", KeyRange(FIRST_SEEN)))
    # As the indexes are declared, so that they are read from either end.
    falling = accounts.order_by(sort.key.desc(), F("id").desc())
    ends: list[datetime] = []
    for ordered in (falling.reverse(), falling):
        ends += ordered.values_list(sort.column, flat=True)[:1]
    return range(ends[0].year, ends[1].year + 1) if ends else range(0)
