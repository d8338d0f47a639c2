"""Checks a range of the chain, so that several processes can check ranges at the same time."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from users.audit.chain import EventRow, event_rows
from users.audit.models import AuditEvent, ChainHead
from users.audit.retention import RecordedRemovals
from users.audit.tree.merkle import RootBuilder
from users.audit.unreadable import UNREADABLE, rows_until_unreadable
from users.audit.verification.event_check import (
    RedactionDigests,
    check_erasure,
    check_event,
    check_redaction,
    erasure_position,
    is_erased,
    is_redacted,
)
from users.audit.verification.event_order import EventOrder
from users.audit.verification.kinds import ChainFault, FaultKind
from users.database.erasure_rules import EVENT_PARTS

BATCH_SIZE = 4096
# Events are sealed nearly in the order of their ids, so the highest id is among the last ones.
ORDER_WINDOW = 2000


class TreeState(NamedTuple):
    """A position of the chain: its event, its hash, and the roots of complete subtrees of the range
    up to it, the largest first.
    """

    position: int
    event_id: int
    chain_hash: bytes
    peaks: list[bytes]


@dataclass
class RangeResult:
    """The result of a range: numbers of events up to its first fault, and the states that are
    compared.
    """

    first: int
    events: int = 0
    erased: int = 0
    redacted: int = 0
    states: list[TreeState] = field(default_factory=list)
    peaks: list[bytes] = field(default_factory=list)
    kind: str = ""
    fault: str = ""

    def to_json(self) -> dict[str, Any]:
        states = [
            (each.position, each.event_id, each.chain_hash.hex(), hex_list(each.peaks))
            for each in self.states
        ]
        return vars(self) | {"states": states, "peaks": hex_list(self.peaks)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "RangeResult":
        states = [
            TreeState(position, pk, bytes.fromhex(own), bytes_list(peaks))
            for position, pk, own, peaks in values["states"]
        ]
        return cls(**values | {"states": states, "peaks": bytes_list(values["peaks"])})


def hex_list(hashes: list[bytes]) -> list[str]:
    return [each.hex() for each in hashes]


def bytes_list(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


class RangeChecker:
    """Checks ranges one after another. What explains removed values is read once."""

    def __init__(self) -> None:
        self.erased_until = lru_cache(maxsize=10_000)(erasure_position)
        self.redactions = RedactionDigests()
        self.removals = RecordedRemovals()

    def check_range(
        self,
        first: int,
        last: int,
        compare_at: Collection[int] = (),
    ) -> RangeResult:
        """Checks the events from position `first` to `last`. The event before them is not checked,
        but they must follow it.
        """
        result = RangeResult(first)
        try:
            self.check_rows(result, last, set(compare_at))
        except ChainFault as fault:
            result.kind = fault.kind.value
            result.fault = str(fault)
        except (AttributeError, KeyError, TypeError, *UNREADABLE) as error:
            # Values that Rollcall does not write. The verification ends and names the event.
            position = first + result.events
            result.kind = FaultKind.EDITED.value
            result.fault = f"the event at position {position} can’t be read: {error!r}"
        return result

    def check_rows(self, result: RangeResult, last: int, compare_at: set[int]) -> None:
        """Adds the events to `result`. Raises ChainFault at the first bad one."""
        first = result.first
        previous = hash_before(first)
        order = order_before(first)
        builder = RootBuilder()
        position = first
        for row in sealed_rows(first, last):
            check_event(row, position, previous)
            if fault := order.find_fault(row):
                raise ChainFault(FaultKind.WRONG_TIME, fault)
            self.check_removals(row, result)
            previous = bytes(row.chain_hash or b"")
            builder.add_leaf(previous)
            result.events += 1
            result.peaks = builder.peaks
            if position in compare_at:
                state = TreeState(position, row.id, previous, list(builder.peaks))
                result.states.append(state)
            position += 1
        if position <= last:
            raise missing_fault(position)

    def check_removals(self, row: EventRow, result: RangeResult) -> None:
        """Checks and counts the values that were removed from an event. Raises ChainFault."""
        if row.target_digest is None and row.actor_digest is None and row.erased_at is None:
            return
        check_erasure(row, self.erased_until, self.removals)
        check_redaction(row, self.redactions)
        result.erased += any(is_erased(part, row) for part in EVENT_PARTS)
        result.redacted += any(is_redacted(part, row) for part in EVENT_PARTS)


def sealed_rows(first: int, last: int) -> Iterator[EventRow]:
    """Yields the sealed events by position. Each batch is a separate query, so that no transaction
    stays open for minutes.
    """
    events = AuditEvent.objects.filter(chain_position__lte=last).order_by("chain_position")
    at = first
    while batch := rows_until_unreadable(
        events.filter(chain_position__gte=at)[:BATCH_SIZE],
        event_rows,
    ):
        at = (batch[-1].chain_position or 0) + 1
        yield from batch
        # Its memory is free for the next one.
        batch.clear()


def missing_fault(position: int) -> ChainFault:
    """Returns the fault of a range without the event at a position."""
    later = AuditEvent.objects.filter(chain_position__gt=position).order_by("chain_position")
    pk, place = later.values_list("pk", "chain_position").first() or (0, 0)
    text = f"the event at position {position} is missing; event {pk} follows at {place}"
    return ChainFault(FaultKind.MISSING, text)


def hash_before(first: int) -> bytes:
    """Returns the hash of the event before a position. If there is none, the range before it has
    the fault.
    """
    if first == 1:
        return bytes(32)
    before = AuditEvent.objects.filter(chain_position=first - 1)
    if found := before.values_list("chain_hash", flat=True).first():
        return bytes(found)
    # The head has the hash of the last removed event, whose record is checked elsewhere.
    removed = ChainHead.objects.filter(pruned_position=first - 1)
    return bytes(removed.values_list("pruned_hash", flat=True).first() or b"")


def order_before(first: int) -> EventOrder:
    """Returns the order of the events before a position."""
    order = EventOrder()
    window = AuditEvent.objects.filter(
        chain_position__gte=first - ORDER_WINDOW,
        chain_position__lt=first,
    )
    newest = max(window.values_list("pk", "at"), default=None)
    if newest:
        order.highest_id, order.latest = newest
    return order
