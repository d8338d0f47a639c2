"""Accounts for the ids that no event has.

On SQLite a rollback gives ids back, so a missing id is a deleted event. PostgreSQL uses up ids of
rolled-back changes (and up to 32 after a crash). When an id is old enough that no transaction can
still commit it, a worker records it in an event: the chain then proves when it was found unused,
and an event that gets the id later is reported.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from django.db import connection, transaction

from users.audit.chain import TIME_TOLERANCE, lock_chain_head
from users.audit.models import AuditEvent, ChainHead
from users.audit.record import record_event
from users.audit.redaction import SystemActor
from users.database.clock import current_time

UNUSED_ACTION = "audit.ids_unused"
# Ids that one run reads, in about half a second.
IDS_PER_RUN = 500_000
MISSING_RANGES = """
    SELECT previous + 1, id - 1
    FROM (
        SELECT id, lag(id) OVER (ORDER BY id) AS previous
        FROM users_auditevent WHERE id BETWEEN %s AND %s
    ) AS ids
    WHERE id > previous + 1
"""
Range = tuple[int, int]


class UnusedRange(NamedTuple):
    """A range of unused IDs in a record: its event and that event's position in the chain."""

    first: int
    last: int
    event_id: int
    position: int | None


def record_unused_ids() -> int:
    """Records unused ids in an event, and returns the number of their ranges."""
    if connection.vendor == "sqlite":
        return 0
    with transaction.atomic():
        head = lock_chain_head()
        end = last_final_id(head)
        if end <= head.counted_id:
            return 0
        found = missing_ranges(head.counted_id, end)
        if found:
            record_event(UNUSED_ACTION, actor=SystemActor(), after={"ids": found})
        head.counted_id = end
        head.save(update_fields=["counted_id"])
    return len(found)


def last_final_id(head: ChainHead) -> int:
    """Returns the highest id below which no event is still to be committed, or the end of a run."""
    old = AuditEvent.objects.filter(at__lt=current_time() - TIME_TOLERANCE)
    newest = old.order_by("-at").values_list("pk", flat=True).first() or 0
    limit = min(newest, head.settled_id, head.counted_id + IDS_PER_RUN)
    existing = AuditEvent.objects.filter(pk__lte=limit).order_by("-pk")
    return existing.values_list("pk", flat=True).first() or 0


def missing_ranges(start: int, end: int) -> list[Range]:
    """Returns the ranges of missing ids between the first and the last event in a range."""
    with connection.cursor() as cursor:
        cursor.execute(MISSING_RANGES, [start, end])
        return cursor.fetchall()


def recorded_ranges() -> list[UnusedRange]:
    """Returns the ranges of unused ids that the trail has recorded."""
    records = AuditEvent.objects.filter(
        action=UNUSED_ACTION,
        actor_id=None,
        target_id=None,
        ip=None,
        before={},
    )
    found: list[UnusedRange] = []
    rows = records.order_by("pk").values_list("pk", "chain_position", "after")
    for pk, position, after in rows.iterator():
        # An event that somebody inserted may have another form, and counts for nothing.
        with suppress(AttributeError, OverflowError, TypeError, ValueError):
            found += read_ranges(pk, position, after.get("ids"))
    return found


def read_ranges(pk: int, position: int | None, listed: Any) -> list[UnusedRange]:
    """Returns the ranges in the record with the ID `pk`. Raises TypeError or ValueError unless they
    are IDs below its own.
    """
    found = []
    for first, last in listed:
        if not 0 < int(first) <= int(last) < pk:
            raise ValueError("it names no unused IDs")
        found.append(UnusedRange(int(first), int(last), pk, position))
    return found


def check_unused_ids(head: ChainHead) -> tuple[int, str]:
    """Returns the number of recorded unused ids, and a sentence about the first id that is missing
    without a record, or was used after it; "" if there is none.
    """
    end = head.counted_id if connection.vendor == "postgresql" else head.newest_id
    # Among the IDs below the highest removed one, the chain itself shows what is missing.
    missing = [tuple(ids) for ids in missing_ranges(head.pruned_id, end)]
    recorded = recorded_ranges()
    fault = next(used_ids(recorded), "")
    known = {(each.first, each.last) for each in recorded}
    unknown = sorted(set(missing) - known)
    if unknown and not fault:
        fault = f"the events with IDs {unknown[0][0]} to {unknown[0][1]} are missing"
    return sum(each.last - each.first + 1 for each in recorded), fault


def used_ids(recorded: list[UnusedRange]) -> Iterator[str]:
    """Yields a sentence about each recorded range with an ID that an event has."""
    for each in recorded:
        events = AuditEvent.objects.filter(pk__range=(each.first, each.last)).order_by("pk")
        found = events.values_list("pk", "chain_position").first()
        if found is None:
            continue
        pk, position = found
        if was_sealed_in_order(pk, position, before=each.position):
            yield f"event {each.event_id} was inserted: it records the ID of event {pk} as unused"
        else:
            yield f"event {pk} was inserted: its ID had been recorded as unused"


def was_sealed_in_order(pk: int, position: int | None, *, before: int | None) -> bool:
    """Returns whether an event was sealed before the one with the next ID, and before the position
    of a record.
    """
    if position is None or before is None or position > before:
        return False
    following = AuditEvent.objects.filter(pk__gt=pk).order_by("pk")
    next_position = following.values_list("chain_position", flat=True).first()
    return next_position is None or next_position > position
