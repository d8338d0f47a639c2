"""Verifies the whole chain in ranges, in constant memory, and names the first event that differs
from its sealed state.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Max

from users.audit import unused_ids
from users.audit.anchors import Anchor
from users.audit.chain import backdated_events, events_to_seal
from users.audit.models import AuditEvent, ChainHead
from users.audit.tree.merkle import RANGE_SIZE, RootBuilder, node_hash
from users.audit.tree.notes import CheckpointText
from users.audit.tree.tiles import TreeFault
from users.audit.unreadable import UNREADABLE
from users.audit.verification.anchor_check import AnchorCheck, check_stored_checkpoints
from users.audit.verification.chain_start import (
    check_pruned_events,
    pruned_position,
    read_chain_start,
)
from users.audit.verification.kinds import ChainFault, FaultKind
from users.audit.verification.range_check import RangeChecker, RangeResult
from users.database.clock import current_time

# Sealing runs every minute. If it has not run for this long, events are at risk.
UNSEALED_LIMIT = timedelta(hours=1)
# First and last position of a range, and the positions at which it is compared.
PositionRange = tuple[int, int, list[int]]
CheckRanges = Callable[[Iterable[PositionRange]], Iterable[RangeResult]]


@dataclass
class Verdict:
    """The result of a verification: numbers of events, and the fault that ended it."""

    # Valid events up to the fault, with removed ones. Some have erased values, or lost mentions of
    # others.
    events: int = 0
    # The number of pruned events.
    pruned: int = 0
    erased: int = 0
    redacted: int = 0
    # Events that are not sealed yet.
    waiting: int = 0
    # Ids that no event has, as recorded in the trail.
    unused_ids: int = 0
    kind: str = ""
    fault: str = ""


def check_here(ranges: Iterable[PositionRange]) -> Iterator[RangeResult]:
    """Yields the results of ranges, which are checked in this process."""
    checker = RangeChecker()
    for each in ranges:
        yield checker.check_range(*each)


def verify_chain(
    anchors: Sequence[Anchor] = (),
    checkpoints: Sequence[CheckpointText] = (),
    check_ranges: CheckRanges = check_here,
) -> Verdict:
    """Verifies all sealed events, and their agreement with `anchors` and `checkpoints`, which come
    in the order of their positions.
    """
    pruned = pruned_position()
    verdict = verify_now(anchors, checkpoints, check_ranges)
    if verdict.fault and pruned_position() > pruned:
        # Events that were about to be checked have been removed.
        return verify_chain(anchors, checkpoints, check_ranges)
    return verdict


def verify_now(
    anchors: Sequence[Anchor],
    checkpoints: Sequence[CheckpointText],
    check_ranges: CheckRanges,
) -> Verdict:
    """Verifies the chain as it is, while no event is removed."""
    verdict = Verdict()
    try:
        with unreadable_as_fault():
            # Read before the events, since more events may be sealed meanwhile.
            head = ChainHead.objects.filter(pk=1).first() or ChainHead()
            check_sealed_events(verdict, AnchorCheck(anchors, checkpoints), check_ranges)
            check_rest(verdict, head)
            check_stored_checkpoints(checkpoints)
    except ChainFault as fault:
        verdict.kind = fault.kind.value
        verdict.fault = str(fault)
    verdict.waiting = AuditEvent.objects.filter(chain_position__isnull=True).count()
    return verdict


@contextmanager
def unreadable_as_fault() -> Iterator[None]:
    """Raises ChainFault if a value outside of the sealed events can't be read, or a tile of pruned
    events.
    """
    try:
        yield
    except TreeFault as fault:
        raise ChainFault(FaultKind.MISSING, str(fault)) from fault
    except UNREADABLE as error:
        text = f"a value of the audit trail can’t be read: {error}"
        raise ChainFault(FaultKind.EDITED, text) from error


def check_sealed_events(
    verdict: Verdict,
    anchors: AnchorCheck,
    check_ranges: CheckRanges,
) -> None:
    """Adds all sealed events to `verdict`. Raises ChainFault at the first bad one."""
    start = read_chain_start()
    check_pruned_events(start)
    verdict.events = start.position
    verdict.pruned = start.position
    progress = Progress(start.position, start.peaks)
    anchors.check_removed(start.position)
    ranges = cut_ranges(start.position + 1, newest_position(), anchors.positions())
    for result in check_ranges(ranges):
        verdict.events += result.events
        verdict.erased += result.erased
        verdict.redacted += result.redacted
        progress.add_result(result, anchors)
    anchors.check_end(verdict.events)


class Progress:
    """The roots of complete subtrees of the events that were checked, the largest first."""

    def __init__(
        self,
        position: int = 0,
        peaks: Sequence[bytes] = (),
    ) -> None:
        self.builder = RootBuilder()
        self.builder.size = position
        self.builder.peaks = list(peaks)

    def add_result(self, result: RangeResult, anchors: AnchorCheck) -> None:
        """Adds the next range. Raises ChainFault for its first fault."""
        for state in result.states:
            anchors.check_state(state, self.builder.peaks)
        if result.fault:
            raise ChainFault(FaultKind(result.kind), result.fault)
        self.add_peaks(result)

    def add_peaks(self, result: RangeResult) -> None:
        builder = self.builder
        if result.events < RANGE_SIZE:
            # The last range is not complete.
            builder.peaks += result.peaks
        else:
            node = result.peaks[0]
            bits = builder.size // RANGE_SIZE
            while bits & 1:
                node = node_hash(builder.peaks.pop(), node)
                bits >>= 1
            builder.peaks.append(node)
        builder.size += result.events


def newest_position() -> int:
    """Returns the last position that an event has; 0 without any."""
    return AuditEvent.objects.aggregate(last=Max("chain_position"))["last"] or 0


def count_full_ranges() -> int:
    """Returns the number of ranges of RANGE_SIZE in the chain."""
    return newest_position() // RANGE_SIZE


def cut_ranges(
    first: int,
    last: int,
    compare_at: Sequence[int] = (),
) -> Iterator[PositionRange]:
    """Yields ranges from a position on, each with those of the positions to compare that are in it.
    `compare_at` is sorted: years of checkpoints are hundreds of thousands.
    """
    for start in range(first, last + 1, RANGE_SIZE):
        end = min(start + RANGE_SIZE - 1, last)
        inside = slice(bisect_left(compare_at, start), bisect_right(compare_at, end))
        yield start, end, list(compare_at[inside])


def check_rest(verdict: Verdict, head: ChainHead) -> None:
    """Checks what the ranges can't: the end of the chain and unsealed events. `head` was read
    before the events. Raises ChainFault.
    """
    current_head = ChainHead.objects.filter(pk=1).first()
    if current_head is None and verdict.events:
        raise ChainFault(
            FaultKind.TRUNCATED,
            "the row with the end of the chain is missing; "
            f"events continue to position {verdict.events}",
        )
    check_chain_end(head, verdict.events)
    check_unsealed_events(current_head or head)
    verdict.unused_ids, fault = unused_ids.check_unused_ids(current_head or head)
    if fault:
        kind = FaultKind.INSERTED if "inserted" in fault else FaultKind.MISSING
        raise ChainFault(kind, fault)


def check_unsealed_events(head: ChainHead) -> None:
    """Raises ChainFault for an event that was inserted with an earlier time, or that has waited for
    its seal for too long.
    """
    if inserted := backdated_events(head).values_list("pk", "at").first():
        pk, at = inserted
        raise ChainFault(
            FaultKind.INSERTED,
            f"event {pk} was inserted after the events of its time were sealed: "
            f"it is dated {at:%Y-%m-%d %H:%M} UTC",
        )
    limit = current_time() - UNSEALED_LIMIT
    waiting = events_to_seal(head).values_list("pk", "at")
    pk, at = waiting.first() or (0, limit)
    # Old events may wait while sealing is at work, after a large import, but not one of those that
    # were before the sealed ones.
    if at < limit and (head.looked_at < limit or pk <= head.settled_id):
        text = f"event {pk} has waited for its seal since {at:%Y-%m-%d %H:%M} UTC"
        raise ChainFault(FaultKind.UNSEALED, text)


def check_chain_end(head: ChainHead, events: int) -> None:
    """Raises ChainFault unless the chain reaches `head`, which was read before the events, so that
    the chain may be longer.
    """
    if events < head.position:
        raise ChainFault(
            FaultKind.TRUNCATED,
            f"the chain ends at position {events} and should reach {head.position}: "
            "its end is missing",
        )
    at_head = (
        AuditEvent.objects.filter(chain_position=head.position)
        .values_list("chain_hash", flat=True)
        .first()
    )
    if head.position and bytes(at_head or b"") != bytes(head.hash):
        raise ChainFault(
            FaultKind.REWRITTEN,
            f"the event at position {head.position} is not the one that the chain ended with",
        )
