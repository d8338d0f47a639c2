"""Compares the times and ids of sealed events: in the order of ids, times increase, except for
differences between clocks and for the time between an event and its commit.
"""

from datetime import datetime

from users.audit.chain import TIME_TOLERANCE, EventRow
from users.audit.models import AuditEvent
from users.database.clock import current_time


class EventOrder:
    """Remembers the event with the highest id among those that were read."""

    def __init__(self) -> None:
        self.highest_id = 0
        self.latest: datetime | None = None
        # A range is read within seconds of this.
        self.limit = current_time() + TIME_TOLERANCE

    def find_fault(self, row: EventRow) -> str:
        """Returns a sentence about an event whose time does not fit; "" if it fits."""
        if row.at > self.limit:
            return f"{dated_name(row)}, which is in the future"
        if row.id < self.highest_id:
            return neighbour_fault(row, dated_name(row))
        earlier_id, earlier = self.highest_id, self.latest
        self.highest_id, self.latest = row.id, row.at
        if earlier and earlier - row.at > TIME_TOLERANCE:
            return f"{dated_name(row)}, but event {earlier_id} before it {format_time(earlier)}"
        return ""


def dated_name(row: EventRow) -> str:
    return f"event {row.id} at position {row.chain_position} is dated {format_time(row.at)}"


def neighbour_fault(row: EventRow, name: str) -> str:
    """Returns the fault of an event that was sealed after events with higher ids.

    A late commit causes that, or an erasure, which seals the events that it changes.
    """
    events = AuditEvent.objects.values_list("pk", "at")
    below = events.filter(pk__lt=row.id).order_by("-pk").first()
    above = events.filter(pk__gt=row.id).order_by("pk").first()
    if below and below[1] - row.at > TIME_TOLERANCE:
        return f"{name}, but event {below[0]} before it {format_time(below[1])}"
    if above and row.at - above[1] > TIME_TOLERANCE:
        return f"{name}, but event {above[0]} after it {format_time(above[1])}"
    return ""


def format_time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
