"""How many accounts a program usually reads in an hour: at most as many as in its busiest one.

People are compared with the median of their role (users/meter/usual_uses.py). A program may read
little all day and all accounts at night, so a median says nothing about it.
"""

from django.db.models import Count, Max

from users.database.clock import current_hour
from users.meter.models import HourlyUse, UseKind

# With fewer hours it is not known yet what is usual, such as for the first import of a provider.
MIN_HOURS = 40
# More than so many times the busiest hour is unusual; fewer than MIN_READS never are.
UNUSUAL_TIMES = 2
MIN_READS = 1_000


def unusual_from(account_id: int, reads: int, number: int) -> int | None:
    """Returns the number of reads in an hour that a program has passed and that is unusual for it;
    None if its `reads` in this hour, with the latest `number`, are not. Reads the earlier hours
    only when a multiple of MIN_READS is passed.
    """
    if reads // MIN_READS == (reads - number) // MIN_READS:
        return None
    before = HourlyUse.objects.filter(
        account_id=account_id,
        kind=UseKind.EXPORT,
        hour__lt=current_hour(),
        count__gt=0,
    )
    hours = before.aggregate(number=Count("pk"), busiest=Max("count"))
    if hours["number"] < MIN_HOURS:
        return None
    unusual = max(UNUSUAL_TIMES * hours["busiest"], MIN_READS)
    return unusual if reads > unusual else None
