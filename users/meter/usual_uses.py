"""Computes the usual use in each role, from the last working hours of the people who have it.

A working hour is one in which a person has used personal data of any kind; kinds that they have
not used then count as 0. It runs once a day, and never within a request.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from statistics import median

from django.conf import settings
from django.db import transaction

from users.database.clock import current_hour, current_time
from users.meter.models import HourlyUse, UseKind, UsualUse
from users.role_grants import memberships_in_effect

# A role with fewer working hours has no usual use: one person would dominate it.
MIN_HOURS = 40
# The task runs every hour, and computes again after this time.
USUAL_AGE = timedelta(hours=20)
HourUses = dict[str, int]


def update_usual_uses() -> int:
    """Computes the usual use in all roles if that is due. Returns the number of stored rows."""
    now = current_time()
    if UsualUse.objects.filter(computed_at__gt=now - USUAL_AGE).exists():
        return 0
    by_person = dict(working_hours(settings.METER.usual_hours))
    rows = [row for group_id, hours in role_hours(by_person) for row in usual_rows(group_id, hours)]
    for row in rows:
        row.computed_at = now
    with transaction.atomic():
        UsualUse.objects.all().delete()
        UsualUse.objects.bulk_create(rows)
    return len(rows)


def working_hours(most: int) -> Iterator[tuple[int, list[HourUses]]]:
    """Yields each person with their uses by kind in their last `most` working hours, newest first.
    The current hour is not over.
    """
    uses = HourlyUse.objects.filter(hour__lt=current_hour(), count__gt=0)
    ordered = uses.order_by("account_id", "-hour")
    rows = ordered.values_list("account_id", "hour", "kind", "count").iterator()
    for account_id, of_person in groupby(rows, key=lambda row: row[0]):
        hours: dict[datetime, HourUses] = {}
        for _, hour, kind, count in of_person:
            if hour in hours or len(hours) < most:
                hours.setdefault(hour, {})[kind] = count
        yield account_id, list(hours.values())


def role_hours(by_person: dict[int, list[HourUses]]) -> Iterable[tuple[int, list[HourUses]]]:
    """Returns the working hours of all people with each role. Service accounts are left out."""
    found: dict[int, list[HourUses]] = defaultdict(list)
    memberships = memberships_in_effect().filter(user__owner_id__isnull=True)
    for account_id, group_id in memberships.values_list("user_id", "group_id"):
        found[group_id] += by_person.get(account_id, [])
    return found.items()


def usual_rows(group_id: int, hours: list[HourUses]) -> list[UsualUse]:
    """Returns unsaved rows for each kind; none for a role with few hours."""
    if len(hours) < MIN_HOURS:
        return []
    rows = []
    for kind in UseKind.values:
        middle, deviation = median_and_deviation([uses.get(kind, 0) for uses in hours])
        row = UsualUse(
            group_id=group_id,
            kind=kind,
            median=middle,
            deviation=deviation,
            hours=len(hours),
        )
        rows.append(row)
    return rows


def median_and_deviation(counts: list[int]) -> tuple[float, float]:
    """Returns the median, and the median absolute deviation from it."""
    middle = median(counts)
    return float(middle), float(median(abs(count - middle) for count in counts))
