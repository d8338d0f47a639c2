"""Reads the whole chain, in order and in flat memory, and names the first event that is not as it
was sealed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from users.audit.chain import (
    EventRow,
    event_hash,
    event_rows,
    late_inserted_events,
    part_digest,
    part_salt,
)
from users.audit.checkpoints import Checkpoint
from users.audit.models import AuditEvent, ChainHead
from users.audit.redaction import REDACTED_ACTION as REDACTED
from users.database.erasure_rules import EVENT_PARTS, SALT_HALF_SIZE

BATCH_SIZE = 5000


class ChainFault(Exception):
    """What is wrong, in a sentence that names the first bad event."""


@dataclass
class Verdict:
    """`events` that were read and are good; among them `erased` ones, and `redacted` ones, which
    lost words about somebody else; `waiting` ones that are not sealed yet.
    """

    events: int = 0
    erased: int = 0
    redacted: int = 0
    waiting: int = 0
    fault: str = ""


def verify_chain(anchors: Sequence[Checkpoint] = ()) -> Verdict:
    """`anchors` in the order of their positions."""
    verdict = Verdict()
    head = (
        ChainHead.objects.filter(pk=1).first() or ChainHead()
    )  # before the events: what is sealed meanwhile comes after
    try:
        check_sealed_events(verdict, list(anchors))
        now = ChainHead.objects.filter(pk=1).first()
        if now is None and verdict.events:
            raise ChainFault(
                f"the row with the end of the chain is missing; events continue to position {verdict.events}"
            )
        check_chain_end(head, verdict)
        if stranger := late_inserted_events(now or head).first():
            raise ChainFault(
                f"event {stranger.pk} was inserted after the events around it were sealed"
            )
    except ChainFault as fault:
        verdict.fault = str(fault)
    verdict.waiting = AuditEvent.objects.filter(chain_position__isnull=True).count()
    return verdict


def check_sealed_events(verdict: Verdict, anchors: list[Checkpoint]) -> None:
    """Raises Fault."""
    previous = bytes(32)
    founded = lru_cache(maxsize=10_000)(was_erased)
    redactions = RedactionDigests()
    for row in sealed_rows():
        check_event(row, verdict.events + 1, previous)
        check_erasure(row, founded)
        check_redaction(row, redactions)
        previous = bytes(row.chain_hash or b"")
        verdict.events += 1
        verdict.erased += any(is_erased(part, row) for part in EVENT_PARTS)
        verdict.redacted += any(is_redacted(part, row) for part in EVENT_PARTS)
        while anchors and anchors[0].position == verdict.events:
            anchor = anchors.pop(0)
            if anchor.hash != previous:
                raise ChainFault(
                    f"event {row.id} at position {verdict.events} differs from the anchor of {anchor.at}: "
                    "the chain was rewritten there or earlier"
                )
    if anchors:
        raise ChainFault(
            f"the chain ends at position {verdict.events}, but the anchor of {anchors[0].at} is at {anchors[0].position}: "
            f"the events from position {verdict.events + 1} on are missing"
        )


def sealed_rows() -> Iterator[EventRow]:
    """All sealed events by position. Each batch is a query of its own: no transaction is held open
    for minutes.
    """
    at = 0
    events = AuditEvent.objects.filter(chain_position__isnull=False).order_by("chain_position")
    while batch := event_rows(events.filter(chain_position__gt=at)[:BATCH_SIZE]):
        yield from batch
        at = batch[-1].chain_position or 0


def check_event(row: EventRow, position: int, previous: bytes) -> None:
    if row.chain_position != position:
        raise ChainFault(
            f"the event at position {position} is missing; event {row.id} follows at {row.chain_position}"
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
    """From the values; where they were erased, the one that stands in for them, and then nothing
    else may be left.
    """
    stored = getattr(row, f"{part}_digest")
    if stored is None:
        return part_digest(part, row, salt)
    if is_redacted(part, row):
        return bytes(stored)
    left = [getattr(row, column) for column in EVENT_PARTS[part]]
    left = [
        value for each in left for value in (each.values() if isinstance(each, dict) else [each])
    ]
    if (
        any(value not in (None, "") for value in left)
        or any(part_salt(part, salt))
        or row.erased_at is None
    ):
        raise ChainFault(f"{name} was erased but contains values of its {part} again")
    return bytes(stored)


def check_erasure(row: EventRow, founded: Callable[[int], bool]) -> None:
    """Values go with the person whom they are about: the trail says of that one that they were
    erased.
    """
    owners = {
        "target": row.target_id,
        "actor": row.target_id if row.actor_id is None else row.actor_id,
    }
    for part, owner in owners.items():
        if is_erased(part, row) and owner is not None and not founded(owner):
            raise ChainFault(
                f"event {row.id} at position {row.chain_position} lost its {part}, but account {owner} was not erased"
            )


def is_erased(part: str, row: EventRow) -> bool:
    return getattr(row, f"{part}_digest") is not None and not is_redacted(part, row)


def is_redacted(part: str, row: EventRow) -> bool:
    """What a redaction leaves has a salt of its own; an erasure leaves none."""
    return getattr(row, f"{part}_digest") is not None and any(
        part_salt(part, bytes(row.chain_salt or b""))
    )


class RedactionDigests:
    """The digests of what is left of events, as the trail has them."""

    def __init__(self) -> None:
        self.digests: dict[tuple[int, str], str] = {}
        self.newest = 0
        self.read()

    def read(self) -> None:
        """What came since: an event may have been redacted after those were read."""
        told = AuditEvent.objects.filter(action=REDACTED, pk__gt=self.newest).order_by("pk")
        for self.newest, after in told.values_list("pk", "after").iterator():
            self.digests |= {(pk, part): digest for pk, part, digest in after.get("events") or []}

    def have(self, row: EventRow, part: str) -> bool:
        own = part_digest(part, row, bytes(row.chain_salt or b"")).hex()
        if self.digests.get((row.id, part)) != own:
            self.read()
        return self.digests.get((row.id, part)) == own


def check_redaction(row: EventRow, redactions: RedactionDigests) -> None:
    for part in EVENT_PARTS:
        if is_redacted(part, row) and (row.erased_at is None or not redactions.have(row, part)):
            name = f"event {row.id} at position {row.chain_position}"
            raise ChainFault(
                f"{name} lost words of its {part}, and the rest does not match the audit trail"
            )


def was_erased(account_id: int) -> bool:
    return AuditEvent.objects.filter(target_id=account_id, action="account.erased").exists()


def check_chain_end(head: ChainHead, verdict: Verdict) -> None:
    """`head` was read before the events, so the chain may have grown since."""
    if verdict.events < head.position:
        raise ChainFault(
            f"the chain ends at position {verdict.events} and should reach {head.position}: its end is missing"
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
