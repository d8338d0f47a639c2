"""The years that the list has links to: from that of the first account to that of the last."""

from datetime import datetime

from django.core.cache import caches
from django.db.models import F
from django.utils import timezone

from users.directory.filters import FIRST_SEEN, range_condition
from users.directory.sorts import SORT_COLUMNS, KeyRange
from users.models import User

# How old the years may be, which are as soft as the times of "last seen".
YEARS_SECONDS = 50
NEWEST_FIRST = {"joined", "seen"}


def jump_years(sort: str) -> range:
    """Returns the years between the first and the last account in the order of a date, in the
    current time zone. Empty for other orders, and without accounts.
    """
    name = sort.removeprefix("-")
    if name not in NEWEST_FIRST:
        return range(0)
    cache = caches["process"]
    ends = cache.get(f"years:{name}")
    if ends is None:
        ends = query_ends(name)
        cache.set(f"years:{name}", ends, YEARS_SECONDS)
    years = [timezone.localtime(end).year for end in ends]
    return range(years[0], years[1] + 1) if years else range(0)


def query_ends(name: str) -> list[datetime]:
    """Reads the first and the last time from both ends of the index of a date."""
    sort = SORT_COLUMNS[name]
    accounts = User.objects.all()
    if name == "seen":
        accounts = accounts.filter(range_condition("seen", KeyRange(FIRST_SEEN)))
    # As the indexes are declared, so that they are read from either end.
    falling = accounts.order_by(sort.key.desc(), F("id").desc())
    ends: list[datetime] = []
    for ordered in (falling.reverse(), falling):
        ends += ordered.values_list(sort.column, flat=True)[:1]
    return ends
