"""Compares the chain with what was stored elsewhere: anchors, which have the hash of an event, and
checkpoints, which have the root of the tree up to it.
"""

from collections import deque
from collections.abc import Sequence

from users.audit.anchors import Anchor
from users.audit.tree.checkpoint_signatures import CheckpointFault, stored_keys, verify_checkpoint
from users.audit.tree.merkle import RootBuilder, leaf_hash
from users.audit.tree.models import SignedCheckpoint
from users.audit.tree.notes import CheckpointText
from users.audit.tree.tiles import TileReader, TreeFault
from users.audit.verification.chain_start import read_leaf
from users.audit.verification.kinds import ChainFault, FaultKind
from users.audit.verification.range_check import TreeState


class AnchorCheck:
    """Compares events with anchors and checkpoints. Both lists are sorted by position."""

    def __init__(
        self, anchors: Sequence[Anchor] = (), checkpoints: Sequence[CheckpointText] = ()
    ) -> None:
        self.anchors = deque(anchors)
        self.checkpoints = deque(checkpoints)

    def positions(self) -> list[int]:
        """Returns the positions at which there is something to compare."""
        anchored = {anchor.position for anchor in self.anchors}
        return sorted(anchored | {checkpoint.size for checkpoint in self.checkpoints})

    def check_state(self, state: TreeState, peaks: list[bytes]) -> None:
        """Raises ChainFault if an event differs from an anchor or a checkpoint. `peaks`: the roots
        of complete subtrees before its range.
        """
        while self.anchors and self.anchors[0].position == state.position:
            anchor = self.anchors.popleft()
            if anchor.hash != state.chain_hash:
                raise different_fault(state, f"the anchor of {anchor.at}")
        while self.checkpoints and self.checkpoints[0].size == state.position:
            checkpoint = self.checkpoints.popleft()
            builder = RootBuilder()
            builder.peaks = [*peaks, *state.peaks]
            if checkpoint.root != builder.root():
                raise different_fault(state, f"the checkpoint of {checkpoint.size:,} events")

    def check_removed(self, position: int) -> None:
        """Compares anchors and checkpoints up to a position with the tiles, since the events there
        were removed. Raises ChainFault.
        """
        while self.anchors and self.anchors[0].position <= position:
            anchor = self.anchors.popleft()
            if leaf_hash(anchor.hash) != read_leaf(anchor.position):
                raise removed_fault(f"the anchor of {anchor.at}")
        while self.checkpoints and self.checkpoints[0].size <= position:
            checkpoint = self.checkpoints.popleft()
            if checkpoint.root != TileReader().read_root(checkpoint.size):
                raise removed_fault(f"the checkpoint of {checkpoint.size:,} events")

    def check_end(self, events: int) -> None:
        """Raises ChainFault if the chain of `events` ends before an anchor or a checkpoint."""
        if self.anchors:
            anchor = self.anchors[0]
            raise shortened_fault(events, f"the anchor of {anchor.at} is at {anchor.position}")
        if self.checkpoints:
            size = self.checkpoints[0].size
            raise shortened_fault(events, f"there is a checkpoint of {size:,} events")


def different_fault(state: TreeState, other: str) -> ChainFault:
    """Returns the fault of a chain that differs from an anchor: it is a fork if a checkpoint of it
    was signed too.
    """
    text = (
        f"event {state.event_id} at position {state.position} differs from {other}: "
        "the chain was rewritten there or earlier"
    )
    signed = other_history(state.position)
    if signed is None:
        return ChainFault(FaultKind.REWRITTEN, text)
    forked = f"and the checkpoint of {signed.size:,} events is signed for this other history"
    return ChainFault(FaultKind.FORKED, f"{text}, {forked}")


def removed_fault(other: str) -> ChainFault:
    text = f"the tree of the removed events differs from {other}: the log was rewritten"
    return ChainFault(FaultKind.REWRITTEN, text)


def other_history(position: int) -> SignedCheckpoint | None:
    """Returns a signed checkpoint of the present tree that contains a position."""
    for signed in SignedCheckpoint.objects.filter(size__gte=position).order_by("size")[:1]:
        try:
            checkpoint = verify_checkpoint(signed.note, stored_keys())
            if checkpoint.root == TileReader().read_root(checkpoint.size):
                return signed
        except (CheckpointFault, TreeFault):
            pass
    return None


def shortened_fault(events: int, other: str) -> ChainFault:
    text = (
        f"the chain ends at position {events}, but {other}: "
        f"the events from position {events + 1} on are missing"
    )
    return ChainFault(FaultKind.TRUNCATED, text)


def check_stored_checkpoints(checkpoints: Sequence[CheckpointText]) -> None:
    """Raises ChainFault if a signed checkpoint from elsewhere is not in the database."""
    for checkpoint in checkpoints:
        stored = SignedCheckpoint.objects.filter(
            origin=checkpoint.origin,
            size=checkpoint.size,
            root=checkpoint.root,
        )
        if not stored.exists():
            text = f"the checkpoint of {checkpoint.size:,} events was deleted from the database"
            raise ChainFault(FaultKind.MISSING, text)
