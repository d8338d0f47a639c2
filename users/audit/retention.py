"""Removes the personal values of audit events that are older than AUDIT_VALUE_YEARS.

The events stay, with the digests of these values, so the chain still verifies, as after an erasure.
Each batch is recorded in an event of its own, which is sealed: the verification accepts removed
values only up to the position that a later record names.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from users.audit import chain
from users.audit.blanking import blank_events
from users.audit.forgetting import ACTOR_REASON_ACTIONS
from users.audit.former_values import blank_former_values
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.audit.redaction import REDACTION_STEPS, SystemActor
from users.audit.trail.outdated_blocks import outdate_blocks
from users.database.clock import current_time
from users.database.outside_record import OUTSIDE_ACTION

REMOVED_ACTION = "audit.values_removed"
# Events in one transaction, in about a second. Erasures and the sealing of events wait for it.
BATCH_SIZE = 5000
# Somebody may have inserted events that look like records.
RECORDS_READ = 100
YEAR = timedelta(days=365.25)
# The verification accepts no removal of younger values, whatever the setting was.
MIN_AGE = timedelta(days=365)
Record = TypeVar("Record")


class Removal(NamedTuple):
    """A record: values of events up to `until` that are dated before `before` were removed."""

    recorded: int
    at: datetime
    until: int
    before: datetime
    events: int

    def includes(self, other: "Removal") -> bool:
        """Returns whether it names all events that another record names."""
        return self.until >= other.until and self.before >= other.before


def remove_old_values(seconds: float = 20) -> int:
    """Removes old values for about `seconds`. Returns the number of events that have lost some."""
    if not settings.AUDIT_VALUE_YEARS:
        return 0
    limit = current_time() - settings.AUDIT_VALUE_YEARS * YEAR
    deadline = time.monotonic() + seconds
    removed = 0
    while (number := remove_batch(limit)) is not None:
        removed += number
        if time.monotonic() > deadline:
            break
    return removed


def remove_batch(limit: datetime) -> int | None:
    """Removes the values of the next events of the chain if they are dated before `limit`, and
    records it. Returns the number of events that had some; None without such events.
    """
    with transaction.atomic():
        chain.lock_chain_head()
        start = removed_until()
        sealed = AuditEvent.objects.filter(chain_position__gt=start).order_by("chain_position")
        rows = sealed.values_list("chain_position", "pk", "at")[:BATCH_SIZE]
        old = list(takewhile(lambda row: row[2] < limit, rows))
        if not old:
            return None
        ids = [pk for _, pk, _ in old]
        events = AuditEvent.objects.filter(pk__among=ids)
        number = blank_values(events)
        blank_former_values(ids)
        outdate_blocks(ids)
        after = {
            "position": old[-1][0],
            "before": limit,
            "events": number,
        }
        record = record_event(REMOVED_ACTION, actor=SystemActor(), after=after)
        chain.seal_event(record)
        for step in REDACTION_STEPS:
            step(ids)
    return number


def blank_values(events: Any) -> int:
    """Removes what an erasure of everyone would remove. Returns the number of events with values.

    Events about no account keep their values, except for the name of the actor: the verification
    needs those of Rollcall's own.
    """
    targets = events.filter(Q(target_id__isnull=False) | Q(action__in=ACTOR_REASON_ACTIONS))
    has_origin = Q(target_id__isnull=False) & ~Q(ip=None, user_agent="")
    anonymous = has_origin & ~Q(action=OUTSIDE_ACTION)
    actors = events.filter(Q(actor_id__isnull=False) | anonymous)
    return max(blank_events(targets, "target"), blank_events(actors, "actor"))


def removed_until() -> int:
    """Returns the position up to which values have been removed."""
    newest = AuditEvent.objects.newest_of("action", REMOVED_ACTION)[:RECORDS_READ]
    return max((removal.until for removal in parse_removals(newest)), default=0)


def recorded_removals(after: int = 0) -> Iterator[Removal]:
    """Yields the sealed records at positions above `after`, if they have the form of Rollcall's."""
    records = AuditEvent.objects.filter(
        action=REMOVED_ACTION,
        actor_id=None,
        target_id=None,
        ip=None,
        before={},
        chain_position__gt=after,
    )
    yield from parse_removals(records.order_by("chain_position").iterator())


def parse_removals(events: Iterable[AuditEvent]) -> Iterator[Removal]:
    """Yields the valid records of removals among `events`."""
    yield from valid_records(events, parse_removal)


def valid_records(
    events: Iterable[AuditEvent], parse: Callable[[AuditEvent], Record]
) -> Iterator[Record]:
    """Yields what events record, without those that `parse` can't read."""
    for event in events:
        with suppress(KeyError, OverflowError, TypeError, ValueError):
            yield parse(event)


def parse_removal(event: AuditEvent) -> Removal:
    """Returns what an event records. Raises KeyError, OverflowError, TypeError or ValueError."""
    removal = Removal(
        recorded=event.chain_position or 0,
        at=event.at,
        until=int(event.after["position"]),
        before=datetime.fromisoformat(event.after["before"]),
        events=int(event.after["events"]),
    )
    if removal.until >= removal.recorded or removal.before >= removal.at:
        raise ValueError("it names later events")
    return removal


class RecordedRemovals:
    """The removals of values by retention, for the verification."""

    def __init__(self) -> None:
        # Without those that a later record includes: usually one is left.
        self.removals: list[Removal] = []
        self.newest = 0
        self.read()

    def read(self) -> None:
        """Adds the records since the last call: there may be some during the verification."""
        for removal in recorded_removals(self.newest):
            self.newest = removal.recorded
            if removal.at - removal.before >= MIN_AGE:
                kept = [each for each in self.removals if not removal.includes(each)]
                self.removals = [*kept, removal]

    def covers(self, position: int, at: datetime) -> bool:
        """Returns whether a later record names the values of an event as removed."""
        if not self.finds(position, at):
            self.read()
        return self.finds(position, at)

    def finds(self, position: int, at: datetime) -> bool:
        """Returns whether a record that was read names the values of an event as removed."""
        return any(each.until >= position and at < each.before for each in self.removals)
