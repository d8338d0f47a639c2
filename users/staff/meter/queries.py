"""Reads the counts of data use: of all people on one day, and of one person by hour."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from users import masking
from users.meter.figures import UseFigure, UseReason, use_figures, use_reasons
from users.meter.limits import person_limits
from users.meter.models import HourlyUse
from users.models import User, UserQuerySet
from users.web.days import day_end, day_start
from users.web.query_string import url_with_query

# Flagged people of a day, and hours of a person, that a page shows.
FLAGGED_SHOWN = 50
HOURS_SHOWN = 48


class PersonDay(NamedTuple):
    """A person and their uses on one day."""

    person: User
    figures: list[UseFigure]
    reasons: list[UseReason]


@dataclass(frozen=True)
class PersonHour:
    """The uses of a person in one hour."""

    hour: datetime
    figures: list[UseFigure]
    reasons: list[UseReason]
    # The events of the person on the day of the hour.
    trail_url: str


def uses_of_day(day: str) -> Any:
    return HourlyUse.objects.filter(hour__gte=day_start(day), hour__lt=day_end(day))


def people_of_day(day: str) -> UserQuerySet:
    """Returns the people who used personal data on the day."""
    return UserQuerySet(User).filter(pk__in=uses_of_day(day).values("account_id"))


def flagged_of_day(day: str) -> UserQuerySet:
    """Returns the people who passed a limit on the day."""
    flagged = uses_of_day(day).exclude(asked_at=None, reported_at=None)
    return UserQuerySet(User).filter(pk__in=flagged.values("account_id")).order_by("-pk")


def person_days(people: list[User], day: str, viewer: Any) -> list[PersonDay]:
    """Returns the uses of each person on the day, in three queries."""
    ids = [person.pk for person in people]
    rows: dict[int, list[HourlyUse]] = defaultdict(list)
    for row in uses_of_day(day).filter(account_id__in=ids).order_by("hour", "pk"):
        rows[row.account_id].append(row)
    limits = person_limits(ids)
    shown = masking.mask_accounts(people, viewer)
    return [
        PersonDay(
            person,
            use_figures(rows[person.pk], limits[person.pk]),
            use_reasons(rows[person.pk]),
        )
        for person in shown
    ]


def hours_of_person(account_id: int, before: datetime | None) -> list[PersonHour]:
    """Returns at most HOURS_SHOWN hours with uses, newest first, and one more if there are more."""
    own = HourlyUse.objects.filter(account_id=account_id)
    if before is not None:
        own = own.filter(hour__lt=before)
    distinct = own.order_by("-hour").values_list("hour", flat=True).distinct()
    hours = list(distinct[: HOURS_SHOWN + 1])
    rows: dict[datetime, list[HourlyUse]] = defaultdict(list)
    for row in own.filter(hour__in=hours).order_by("pk"):
        rows[row.hour].append(row)
    limits = person_limits([account_id])[account_id]
    return [
        PersonHour(
            hour=hour,
            figures=use_figures(rows[hour], limits),
            reasons=use_reasons(rows[hour]),
            trail_url=trail_url(account_id, hour),
        )
        for hour in hours
    ]


def trail_url(account_id: int, hour: datetime) -> str:
    """Returns the audit trail of the person on the day, which is that of the viewer's time zone."""
    day = timezone.localdate(hour).isoformat()
    parameters = {"actor": account_id, "from": day, "to": day}
    return url_with_query("/audit/", **parameters)
