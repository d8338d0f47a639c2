"""Finds where the chain begins: after the pruned events, if any."""

from typing import NamedTuple

from users.audit.models import AuditEvent, ChainHead
from users.audit.pruning import find_pruning
from users.audit.tree.merkle import HASH_SIZE, leaf_hash
from users.audit.tree.tiles import TILE_WIDTH, TileReader, TreeFault
from users.audit.verification.kinds import ChainFault, FaultKind


class ChainStart(NamedTuple):
    """The position and hash of the last pruned event, and the roots of the complete subtrees of all
    pruned ones, the largest first.
    """

    position: int = 0
    chain_hash: bytes = bytes(HASH_SIZE)
    peaks: tuple[bytes, ...] = ()


def read_chain_start() -> ChainStart:
    """Returns where the chain begins. Raises ChainFault unless a sealed event records that all
    earlier events were pruned, and the tree has the hash of the last one.
    """
    head = ChainHead.objects.filter(pk=1).first() or ChainHead()
    position = head.pruned_position
    if not position:
        return ChainStart()
    if find_pruning(head) is None:
        text = f"the events up to position {position} are missing, and no event records why"
        raise ChainFault(FaultKind.MISSING, text)
    chain_hash = bytes(head.pruned_hash)
    try:
        if read_leaf(position) != leaf_hash(chain_hash):
            text = f"the hash of the removed event at position {position} differs from the tree"
            raise ChainFault(FaultKind.REWRITTEN, text)
        peaks = TileReader().read_peaks(position)
    except TreeFault as fault:
        raise ChainFault(FaultKind.MISSING, str(fault)) from fault
    return ChainStart(position, chain_hash, tuple(peaks))


def read_leaf(position: int) -> bytes:
    """Returns the leaf of a position from the tiles. Raises TreeFault."""
    number, place = divmod(position - 1, TILE_WIDTH)
    return TileReader().read_hashes((0, number), place, 1)


def pruned_position() -> int:
    """Returns the position of the last pruned event; 0 without one."""
    return ChainHead.objects.values_list("pruned_position", flat=True).first() or 0


def check_pruned_events(start: ChainStart) -> None:
    """Raises ChainFault for an event at the position of a pruned one."""
    earlier = AuditEvent.objects.filter(chain_position__lte=start.position)
    if found := earlier.order_by("chain_position").first():
        place = found.chain_position or 0
        why = "whose event was removed" if place > 0 else "which does not exist in the chain"
        text = f"event {found.pk} is at position {place}, {why}: it was inserted"
        raise ChainFault(FaultKind.INSERTED, text)
