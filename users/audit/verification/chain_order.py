"""Finds out why an event does not fit into its place of the chain: it or another one was inserted,
removed, moved or edited.
"""

from users.audit.chain import EventRow, event_hash, sealed_digest
from users.audit.models import AuditEvent
from users.audit.verification.kinds import ChainFault, FaultKind
from users.database.erasure_rules import EVENT_PARTS


def find_misplacement(
    row: EventRow,
    position: int,
    previous: bytes,
) -> ChainFault:
    """Returns the fault of an event whose previous hash is not that of the event before it."""
    name = f"event {row.id} at position {position}"
    digests = [sealed_digest(part, row) for part in EVENT_PARTS]
    if bytes(row.chain_hash or b"") == event_hash(row, position, previous, *digests):
        return ChainFault(FaultKind.EDITED, f"{name} has another previous hash than it was sealed")
    # The event that was before this one.
    before = AuditEvent.objects.filter(chain_hash=bytes(row.chain_previous or b""))
    earlier = before.exclude(chain_position=None).order_by("chain_position").first()
    if earlier and was_sealed_at(row, {earlier.chain_position, position}):
        return moved_fault(row, position, earlier)
    if next_follows(position, previous):
        return inserted_fault(row.id, position)
    return ChainFault(
        FaultKind.MISSING, f"{misplaced_text(row, position)}: an event between them is missing"
    )


def was_sealed_at(row: EventRow, places: set[int | None]) -> bool:
    """Returns whether an event was sealed at one of these positions or at the next ones. It is not
    forged then.
    """
    digests = [sealed_digest(part, row) for part in EVENT_PARTS]
    previous = bytes(row.chain_previous or b"")
    nearby = {(place or 0) + step for place in places for step in (0, 1)}
    own_hash = bytes(row.chain_hash or b"")
    return any(own_hash == event_hash(row, place, previous, *digests) for place in nearby)


def moved_fault(
    row: EventRow,
    position: int,
    earlier: AuditEvent,
) -> ChainFault:
    """Returns the fault of a sealed event that does not follow `earlier` any more."""
    place = earlier.chain_position or 0
    if place < position - 1:
        added = AuditEvent.objects.get(chain_position=place + 1)
        return inserted_fault(added.pk, place + 1)
    moved = f"it was sealed after event {earlier.pk}, which is now at position {place}"
    return ChainFault(FaultKind.REORDERED, f"{misplaced_text(row, position)}: {moved}")


def misplaced_text(row: EventRow, position: int) -> str:
    return f"event {row.id} at position {position} does not follow the event before it"


def find_change(
    row: EventRow,
    position: int,
    previous: bytes,
) -> ChainFault:
    """Returns the fault of an event whose content does not have its hash."""
    if next_follows(position, previous):
        return inserted_fault(row.id, position)
    name = f"event {row.id} at position {position}"
    return ChainFault(FaultKind.EDITED, f"{name} was changed after it was sealed")


def inserted_fault(event_id: int, position: int) -> ChainFault:
    text = f"event {event_id} at position {position} was inserted into the chain"
    return ChainFault(FaultKind.INSERTED, text)


def next_follows(position: int, previous: bytes) -> bool:
    """Returns whether the event after a position was sealed after the event before it."""
    after = AuditEvent.objects.filter(chain_position=position + 1, chain_previous=previous)
    return after.exists()
