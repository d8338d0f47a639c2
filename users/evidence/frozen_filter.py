"""The filter of the audit trail as a job stores it: a query string that a worker reads again."""

from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict

from users.audit.actions import ACTION_LABELS
from users.audit.models import AuditEvent
from users.audit.trail import ID_FIELDS, TrailFilter

# The columns that the fields of the filter compare.
COLUMNS = {
    "action": "action",
    "actor": "actor_id",
    "target": "target_id",
    "job": "job_id",
}
WORDS = {
    "actor": "by account {}",
    "target": "about account {}",
    "job": "of job {}",
}
# Events that the page of an export counts.
COUNT_CAP = 10_000


def freeze_filter(trail: TrailFilter) -> str:
    """Returns the filter as a query string, without the position in the list."""
    values = {name: getattr(trail, name) for name in COLUMNS}
    return urlencode({name: value for name, value in values.items() if value})


def thaw_filter(query: str) -> TrailFilter:
    """Returns the filter of a stored query string. Raises BadParameter for one of a newer
    release.
    """
    trail, _ = TrailFilter.read(QueryDict(query))
    return trail


def matching_events(query: str) -> QuerySet[AuditEvent]:
    """Returns the events that match a stored filter, in no order."""
    trail = thaw_filter(query)
    values = {column: getattr(trail, name) for name, column in COLUMNS.items()}
    conditions = {column: value for column, value in values.items() if value}
    return AuditEvent.objects.filter(**conditions).order_by()


def filter_words(query: str) -> str:
    """Returns the filter in words, such as "events “Suspended” about account 42"."""
    trail = thaw_filter(query)
    parts = ["events"]
    if trail.action:
        parts.append(f"“{ACTION_LABELS.get(trail.action, trail.action)}”")
    values = {name: getattr(trail, name) for name in ID_FIELDS}
    parts += [WORDS[name].format(value) for name, value in values.items() if value]
    return " ".join(parts) if len(parts) > 1 else "all events"


def count_events(query: str, up_to: int, limit: int) -> int:
    """Returns the number of matching events up to an ID, at most `limit`."""
    return matching_events(query).filter(pk__lte=up_to).values("pk")[:limit].count()
