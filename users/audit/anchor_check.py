"""Compares the chain, event by event, with what was stored elsewhere: anchors, which have the hash
of an event, and checkpoints, which have the root of the tree up to it.
"""

from collections.abc import Sequence

from users.audit.chain import EventRow
from users.audit.checkpoints import Checkpoint
from users.audit.tree.merkle import RootBuilder
from users.audit.tree.notes import CheckpointText


class AnchorCheck:
    """The next position of each kind. The lists come in the order of their positions."""

    def __init__(
        self, anchors: Sequence[Checkpoint] = (), checkpoints: Sequence[CheckpointText] = ()
    ) -> None:
        self.anchors = list(anchors)
        self.checkpoints = list(checkpoints)
        self.builder = RootBuilder()

    def find_fault(self, row: EventRow) -> str:
        """Returns a sentence about the next event, if it differs from an anchor or a checkpoint."""
        chain_hash = bytes(row.chain_hash or b"")
        while self.anchors and self.anchors[0].position == row.chain_position:
            anchor = self.anchors.pop(0)
            if anchor.hash != chain_hash:
                return different_text(row, f"the anchor of {anchor.at}")
        if not self.checkpoints:
            return ""
        self.builder.add_leaf(chain_hash)
        while self.checkpoints and self.checkpoints[0].size == row.chain_position:
            checkpoint = self.checkpoints.pop(0)
            if checkpoint.root != self.builder.root():
                return different_text(row, f"the checkpoint of {checkpoint.size:,} events")
        return ""

    def find_missing(self, events: int) -> str:
        """Returns a sentence if the chain of `events` ends before an anchor or a checkpoint."""
        if self.anchors:
            anchor = self.anchors[0]
            return missing_text(events, f"the anchor of {anchor.at} is at {anchor.position}")
        if self.checkpoints:
            size = self.checkpoints[0].size
            return missing_text(events, f"there is a checkpoint of {size:,} events")
        return ""


def different_text(row: EventRow, other: str) -> str:
    return (
        f"event {row.id} at position {row.chain_position} differs from {other}: "
        "the chain was rewritten there or earlier"
    )


def missing_text(events: int, other: str) -> str:
    return (
        f"the chain ends at position {events}, but {other}: "
        f"the events from position {events + 1} on are missing"
    )
