"""Finds the audit events of a request.

No index has events by their request. Those about one account are found by the account. A request on
a group, and a Bulk request, may have events about thousands: the log keeps the IDs of the first and
the last one, between which the events of other requests at the same moment are few.
"""

from typing import NamedTuple

from django.db.models import Count, Max, Min

from users.audit.models import AuditEvent, AuditEventQuerySet
from users.scim.models import ProvisioningRequest

CHANGING_METHODS = ("POST", "PUT", "PATCH")
SHARED_ENDPOINTS = ("groups", "bulk")


class EventRange(NamedTuple):
    """The events of a request: their number, and the IDs of the first and the last one."""

    number: int
    first: int | None
    last: int | None


NO_EVENTS = EventRange(0, None, None)


def changes_several(method: str, path: str) -> bool:
    """Returns whether a request may have events about more than one account."""
    endpoint = path.strip("/").partition("/")[0].lower()
    return method in CHANGING_METHODS and endpoint in SHARED_ENDPOINTS


def newest_event_before(method: str, path: str) -> int | None:
    """Returns the ID of the newest event when a request begins that may have events about several
    accounts; None for other requests.
    """
    return AuditEvent.objects.newest_id() if changes_several(method, path) else None


def find_event_range(request_id: str, after: int) -> EventRange:
    """Returns the events of a request among those with an ID above `after`."""
    if not request_id:
        return NO_EVENTS
    later = AuditEvent.objects.filter(pk__gt=after, request_id=request_id)
    found = later.aggregate(number=Count("pk"), first=Min("pk"), last=Max("pk"))
    return EventRange(**found)


def logged_events(row: ProvisioningRequest) -> AuditEventQuerySet:
    """Returns the events of a request in the log."""
    events = AuditEvent.objects.filter(request_id=row.request_id)
    if not row.request_id or row.dry_run:
        return events.none()
    if row.account_id is not None:
        return events.filter(target_id=row.account_id)
    if not row.event_count:
        return events.none()
    return events.filter(pk__range=(row.first_event_id, row.last_event_id))
