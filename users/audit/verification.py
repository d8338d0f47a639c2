"""Verifies the chain: reads it in order, in constant memory, and names the first event that differs
from its sealed state.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Exists, Max, Min, OuterRef

from users.audit import event_order, unused_ids
from users.audit.anchor_check import AnchorCheck
from users.audit.chain import (
    EventRow,
    backdated_events,
    event_hash,
    event_rows,
    part_digest,
    part_salt,
)
from users.audit.checkpoints import Checkpoint
from users.audit.forgetting import ACTOR_REASON_ACTIONS
from users.audit.models import AuditEvent, ChainHead
from users.audit.redaction import REDACTED_ACTION as REDACTED
from users.audit.retention import RecordedRemovals
from users.audit.tree.notes import CheckpointText
from users.database.erasure_rules import EVENT_PARTS, SALT_HALF_SIZE
from users.identifiers import LARGEST_ID
from users.models import State, User

BATCH_SIZE = 5000


class ChainFault(Exception):
    """The chain is broken; the message is a sentence that names the first bad event."""


@dataclass
class Verdict:
    """The result of a verification: numbers of events, and the fault that ended it."""

    # Valid events up to the fault. Some of them have erased values, or lost mentions of others.
    events: int = 0
    erased: int = 0
    redacted: int = 0
    # Events that are not sealed yet.
    waiting: int = 0
    # Ids that no event has, as recorded in the trail.
    unused_ids: int = 0
    fault: str = ""


def verify_chain(
    anchors: Sequence[Checkpoint] = (), checkpoints: Sequence[CheckpointText] = ()
) -> Verdict:
    """Verifies all sealed events, and their agreement with `anchors` and `checkpoints`, which come
    in the order of their positions.
    """
    verdict = Verdict()
    # Read before the events, since more events may be sealed meanwhile.
    head = ChainHead.objects.filter(pk=1).first() or ChainHead()
    try:
        check_sealed_events(verdict, AnchorCheck(anchors, checkpoints))
        current_head = ChainHead.objects.filter(pk=1).first()
        if current_head is None and verdict.events:
            raise ChainFault(
                "the row with the end of the chain is missing; "
                f"events continue to position {verdict.events}"
            )
        check_chain_end(head, verdict)
        check_unsealed_events(current_head or head)
        verdict.unused_ids, fault = unused_ids.check_unused_ids(current_head or head)
        raise_fault(fault)
    except ChainFault as fault:
        verdict.fault = str(fault)
    verdict.waiting = AuditEvent.objects.filter(chain_position__isnull=True).count()
    return verdict


def check_unsealed_events(head: ChainHead) -> None:
    """Raises ChainFault for an event that was inserted with an earlier time."""
    if inserted := backdated_events(head).first():
        raise ChainFault(
            f"event {inserted.pk} was inserted after the events of its time were sealed: "
            f"it is dated {inserted.at:%Y-%m-%d %H:%M} UTC"
        )


def raise_fault(fault: str) -> None:
    """Raises ChainFault unless `fault` is empty."""
    if fault:
        raise ChainFault(fault)


def check_sealed_events(verdict: Verdict, anchors: AnchorCheck) -> None:
    """Reads all sealed events into `verdict`. Raises ChainFault at the first bad one."""
    previous = bytes(32)
    erased_until = lru_cache(maxsize=10_000)(erasure_position)
    order = event_order.EventOrder()
    redactions = RedactionDigests()
    removals = RecordedRemovals()
    for row in sealed_rows():
        check_event(row, verdict.events + 1, previous)
        raise_fault(order.find_fault(row))
        check_erasure(row, erased_until, removals)
        check_redaction(row, redactions)
        previous = bytes(row.chain_hash or b"")
        verdict.events += 1
        verdict.erased += any(is_erased(part, row) for part in EVENT_PARTS)
        verdict.redacted += any(is_redacted(part, row) for part in EVENT_PARTS)
        raise_fault(anchors.find_fault(row))
    raise_fault(anchors.find_missing(verdict.events))


def sealed_rows() -> Iterator[EventRow]:
    """Yields all sealed events by position. Each batch is a separate query, so that no transaction
    stays open for minutes.
    """
    at = 0
    events = AuditEvent.objects.filter(chain_position__isnull=False).order_by("chain_position")
    while batch := event_rows(events.filter(chain_position__gt=at)[:BATCH_SIZE]):
        yield from batch
        at = batch[-1].chain_position or 0


def check_event(row: EventRow, position: int, previous: bytes) -> None:
    """Raises ChainFault unless the event has this position, follows the hash `previous`, and has
    the hash of its content.
    """
    if row.chain_position != position:
        raise ChainFault(
            f"the event at position {position} is missing; "
            f"event {row.id} follows at {row.chain_position}"
        )
    name = f"event {row.id} at position {position}"
    if bytes(row.chain_previous or b"") != previous:
        raise ChainFault(f"{name} does not follow the event before it")
    salt = bytes(row.chain_salt or b"")
    if len(salt) != 2 * SALT_HALF_SIZE:
        raise ChainFault(f"{name} has lost its salt")
    target, actor = (checked_digest(part, row, salt, name) for part in EVENT_PARTS)
    if bytes(row.chain_hash or b"") != event_hash(row, position, previous, target, actor):
        raise ChainFault(f"{name} was changed after it was sealed")


def checked_digest(part: str, row: EventRow, salt: bytes, name: str) -> bytes:
    """Returns the digest of a part: computed from its values, or the stored one if these were
    erased or redacted. Raises ChainFault if an erased part has values.
    """
    stored = getattr(row, f"{part}_digest")
    if stored is None:
        return part_digest(part, row, salt)
    if is_redacted(part, row):
        return bytes(stored)
    if has_values(part, row) or any(part_salt(part, salt)) or row.erased_at is None:
        raise ChainFault(f"{name} was erased but contains values of its {part} again")
    return bytes(stored)


def has_values(part: str, row: EventRow) -> bool:
    """Returns whether a column of the part has a value; for JSON, whether one of its fields has."""
    for column in EVENT_PARTS[part]:
        content = getattr(row, column)
        values = content.values() if isinstance(content, dict) else [content]
        if any(value not in (None, "") for value in values):
            return True
    return False


def check_erasure(
    row: EventRow, erased_until: Callable[[int], int], removals: RecordedRemovals
) -> None:
    """Raises ChainFault if values were removed although the person whom they are about was not
    erased by a later event of the chain, and no later event records that old values were removed.

    `erased_until` returns the position of the event that erased an account, 0 without one.
    """
    position = row.chain_position or 0
    name = f"event {row.id} at position {position}"
    for part, owner in part_owners(row).items():
        if not is_erased(part, row):
            continue
        if owner is None:
            raise ChainFault(f"{name} lost its {part}, which is about no account")
        if erased_until(owner) <= position and not removals.covers(position, row.at):
            raise ChainFault(f"{name} lost its {part}, but account {owner} was not erased")
    if row.erased_at and row.target_digest is None and row.actor_digest is None:
        raise ChainFault(f"{name} is marked as erased, but has all its values")


def part_owners(row: EventRow) -> dict[str, int | None]:
    """Returns the account whose erasure removes each part, as in users/audit/forgetting.py."""
    target = row.target_id
    if target is None and row.action in ACTOR_REASON_ACTIONS:
        target = row.actor_id
    return {"target": target, "actor": row.target_id if row.actor_id is None else row.actor_id}


def erasure_position(account_id: int) -> int:
    """Returns the position of the event that erased an account; 0 if there is none, or if the row
    of the account is not erased.
    """
    if not User.objects.filter(pk=account_id, status=State.ERASED).exists():
        return 0
    events = AuditEvent.objects.filter(target_id=account_id, action="account.erased")
    return events.aggregate(last=Max("chain_position"))["last"] or 0


def is_erased(part: str, row: EventRow) -> bool:
    return getattr(row, f"{part}_digest") is not None and not is_redacted(part, row)


def is_redacted(part: str, row: EventRow) -> bool:
    """Returns whether the part was redacted. It has a new salt then; an erased part has none."""
    return getattr(row, f"{part}_digest") is not None and any(
        part_salt(part, bytes(row.chain_salt or b""))
    )


class RedactionDigests:
    """The digests of redacted parts, as sealed events of the audit trail have recorded them.

    An event counts as a record if it has the form of Rollcall's own and follows an erasure: without
    one there is nobody to remove from the texts about others.
    """

    def __init__(self) -> None:
        # The digest by id and part, with the position of its record.
        self.digests: dict[tuple[int, str], tuple[str, int]] = {}
        self.newest = 0
        self.read()

    def read(self) -> None:
        """Adds the digests since the last call. There may be redactions during the verification."""
        start = max(self.newest, first_erasure_position())
        records = AuditEvent.objects.filter(action=REDACTED, chain_position__gt=start)
        own = records.filter(
            actor_id=None,
            target_id=None,
            ip=None,
            before={},
        )
        rows = own.order_by("chain_position").values_list("chain_position", "after")
        for position, after in rows.iterator():
            self.newest = position or 0
            for pk, part, digest in after.get("events") or []:
                self.digests[pk, part] = (digest, self.newest)

    def match(self, row: EventRow, part: str) -> bool:
        """Returns whether a later event recorded the digest of the part's current values."""
        own = part_digest(part, row, bytes(row.chain_salt or b"")).hex()
        if self.digests.get((row.id, part), ("", 0))[0] != own:
            self.read()
        digest, position = self.digests.get((row.id, part), ("", 0))
        return digest == own and position > (row.chain_position or 0)


def first_erasure_position() -> int:
    """Returns the position of the first event that erased an account which is erased; the largest
    one if there is none.
    """
    erased = User.objects.filter(pk=OuterRef("target_id"), status=State.ERASED)
    events = AuditEvent.objects.filter(Exists(erased), action="account.erased")
    return events.aggregate(first=Min("chain_position"))["first"] or LARGEST_ID


def check_redaction(row: EventRow, redactions: RedactionDigests) -> None:
    """Raises ChainFault if a redacted part differs from its recorded digest."""
    for part in EVENT_PARTS:
        if is_redacted(part, row) and (row.erased_at is None or not redactions.match(row, part)):
            name = f"event {row.id} at position {row.chain_position}"
            raise ChainFault(
                f"{name} lost words of its {part}, and the rest does not match the audit trail"
            )


def check_chain_end(head: ChainHead, verdict: Verdict) -> None:
    """Raises ChainFault unless the chain reaches `head`, which was read before the events, so that
    the chain may be longer.
    """
    if verdict.events < head.position:
        raise ChainFault(
            f"the chain ends at position {verdict.events} and should reach {head.position}: "
            "its end is missing"
        )
    at_head = (
        AuditEvent.objects.filter(chain_position=head.position)
        .values_list("chain_hash", flat=True)
        .first()
    )
    if head.position and bytes(at_head or b"") != bytes(head.hash):
        raise ChainFault(
            f"the event at position {head.position} is not the one that the chain ended with"
        )
