"""The filter of the audit trail as a job stores it: a query string that a worker reads again."""

from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone

from users.audit.models import AuditEvent
from users.audit.trail.counting import SlowCount, exact_count
from users.audit.trail.filter import TrailFilter
from users.directory.days import STORED_WORDS_ZONE
from users.exceptions import JobRefused
from users.web.days import absolute_day

DAYS = ("from", "to")
SLOW_COUNT = "Counting these events takes too long. Narrow the filter, for example to a period."


def store_filter(trail: TrailFilter) -> str:
    """Returns the filter as a query string, without the position in the list. Days are dates with
    their zone, whenever and wherever it is read.
    """
    days = {name: absolute_day(trail.values[name]) for name in DAYS if name in trail.values}
    return urlencode(trail.values | days)


def parse_stored_filter(query: str, *, masked: bool) -> TrailFilter:
    """Returns the filter of a stored query string. Raises BadParameter for one of a newer release,
    or that the person may no longer use.
    """
    return TrailFilter.parse(QueryDict(query), masked=masked)


def matching_events(query: str, *, masked: bool) -> QuerySet[AuditEvent]:
    """Returns the events that match a stored filter, in no order."""
    conditions = parse_stored_filter(query, masked=masked).conditions()
    return AuditEvent.objects.filter(*conditions).order_by()


def filter_words(query: str, *, masked: bool) -> str:
    """Returns the filter in words, such as "events: action: suspended; job 4"."""
    with timezone.override(STORED_WORDS_ZONE):
        return str(parse_stored_filter(query, masked=masked))


def stored_words(query: str, *, masked: bool) -> str:
    """Returns the filter in words without personal values."""
    with timezone.override(STORED_WORDS_ZONE):
        return parse_stored_filter(query, masked=masked).public_words


def count_events_up_to(query: str, up_to: int, limit: int, *, masked: bool) -> int:
    """Returns the number of matching events up to an ID, at most `limit`. Raises JobRefused if that
    takes long.
    """
    try:
        return exact_count(parse_stored_filter(query, masked=masked), limit, up_to)
    except SlowCount as slow:
        raise JobRefused(SLOW_COUNT) from slow
