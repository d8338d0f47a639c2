"""Accounts for the ids that no event has.

On SQLite a rollback gives ids back, so a missing id is a deleted event. PostgreSQL uses up ids of
rolled-back changes (and up to 32 after a crash). When an id is old enough that no transaction can
still commit it, a worker records it in an event: the chain then proves when it was found unused,
and an event that gets the id later is reported.
"""

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


def recorded_ranges() -> list[Range]:
    """Returns the ranges of unused ids that the trail has recorded."""
    found: list[Range] = []
    records = AuditEvent.objects.filter(action=UNUSED_ACTION).order_by("pk")
    for after in records.values_list("after", flat=True).iterator():
        found += [(first, last) for first, last in after.get("ids") or []]
    return found


def check_unused_ids(head: ChainHead) -> tuple[int, str]:
    """Returns the number of recorded unused ids, and a sentence about the first id that is missing
    without a record, or was used after it; "" if there is none.
    """
    end = head.counted_id if connection.vendor == "postgresql" else head.newest_id
    # Among the IDs below the highest removed one, the chain itself shows what is missing.
    missing = [tuple(ids) for ids in missing_ranges(head.pruned_id, end)]
    recorded = recorded_ranges()
    fault = ""
    if unknown := sorted(set(missing) - set(recorded)):
        fault = f"the events with IDs {unknown[0][0]} to {unknown[0][1]} are missing"
    for first, last in recorded:
        inserted = AuditEvent.objects.filter(pk__range=(first, last)).order_by("pk").first()
        if inserted:
            fault = f"event {inserted.pk} was inserted: its ID had been recorded as unused"
            break
    return sum(last - first + 1 for first, last in recorded), fault
