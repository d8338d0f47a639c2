"""The years that the list has links to: from that of the first account to that of the last."""

from datetime import datetime

from django.core.cache import caches
from django.db.models import F
from django.utils import timezone

from users.directory.filters import FIRST_SEEN, range_condition
from users.directory.sorts import SORT_COLUMNS, KeyRange
from users.models import User
from users.web.time_zone import local_time

# Years may be outdated for as long as "last seen" on cached pages.
YEARS_SECONDS = 50
NEWEST_FIRST = {"joined", "seen"}
EARLIEST_YEAR = 1970


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
    # A date that cannot be right must not make a link for each century.
    latest = timezone.localdate().year + 1
    years = [min(max(local_time(end).year, EARLIEST_YEAR), latest) for end in ends]
    return range(years[0], years[1] + 1) if years else range(0)


def query_ends(name: str) -> list[datetime]:
    """Reads the first and the last time from both ends of the index of a date."""
    sort = SORT_COLUMNS[name]
    accounts = User.objects.all()
    if name == "seen":
        accounts = accounts.filter(range_condition("seen", KeyRange(FIRST_SEEN)))
    # The order in which the indexes are declared, so that both ends are found without a sort.
    falling = accounts.order_by(sort.key.desc(), F("id").desc())
    ends: list[datetime] = []
    for ordered in (falling.reverse(), falling):
        ends += ordered.values_list(sort.column, flat=True)[:1]
    return ends
