"""The quick check: the newest checkpoints against the tiles, the tiles against each other and the
newest events, and the end of the chain.
"""

from users.audit.models import ChainHead
from users.audit.tree.checkpoint_signatures import (
    CheckpointFault,
    TrustedKey,
    stored_keys,
    verify_checkpoint,
)
from users.audit.tree.models import (
    AnchorDelivery,
    SignedCheckpoint,
    TreeHead,
)
from users.audit.tree.notes import CheckpointText, NoteError, SignedNote
from users.audit.tree.signatures import note_signers
from users.audit.tree.tiles import TILE_WIDTH, TileReader, TreeFault
from users.audit.tree.tree_check import check_leaves, recompute_root
from users.audit.tree.witness_client import witness_keys
from users.audit.verification.chain_check import (
    check_chain_end,
    check_unsealed_events,
    newest_position,
)
from users.audit.verification.chain_start import read_chain_start
from users.audit.verification.kinds import ChainFault, FaultKind

NEWEST_CHECKPOINTS = 100
NEWEST_EVENTS = 1 << 14


def check_newest() -> int:
    """Returns the number of events that the tree has. Raises ChainFault."""
    head = ChainHead.objects.filter(pk=1).first() or ChainHead()
    events = newest_position()
    check_chain_end(head, events)
    check_unsealed_events(head)
    try:
        size = check_tree()
    except TreeFault as fault:
        kind = FaultKind.MISSING if "missing" in str(fault) else FaultKind.EDITED
        raise ChainFault(kind, str(fault)) from fault
    refusing = AnchorDelivery.objects.exclude(refused_at=None).first()
    if refusing:
        text = f"{refusing.destination} refuses the log: {refusing.error}"
        raise ChainFault(FaultKind.FORKED, text[:500])
    return size


def find_tree_fault() -> str:
    """Returns what is wrong with the tree and its newest checkpoints, as a sentence; "" for
    nothing.
    """
    try:
        check_tree()
    except (ChainFault, TreeFault) as fault:
        return str(fault)
    return ""


def check_tree() -> int:
    """Returns the size of the tree. Raises ChainFault or TreeFault.

    Checkpoints are not checked further than the tree: deleted tiles would be missing. A worker may
    write meanwhile, first events, then the tree, then a checkpoint, so they are read in the reverse
    order.
    """
    newest = list(SignedCheckpoint.objects.order_by("-pk")[:NEWEST_CHECKPOINTS])
    size = TreeHead.objects.values_list("size", flat=True).first() or 0
    events = newest_position()
    if size > events:
        text = f"the chain ends at position {events}, and its tree has {size:,} events"
        raise ChainFault(FaultKind.TRUNCATED, text)
    keys = stored_keys()
    for checkpoint in newest:
        check_checkpoint(checkpoint, size, keys)
    if size:
        root = recompute_root(size)
        if newest and newest[0].size == size and root != bytes(newest[0].root):
            raise rewritten_fault(size)
        first = max(size - NEWEST_EVENTS, read_chain_start().position)
        first = first // TILE_WIDTH * TILE_WIDTH + 1
        check_leaves(first, size)
    return size


def check_checkpoint(
    stored: SignedCheckpoint,
    size: int,
    keys: list[TrustedKey],
) -> None:
    """Raises ChainFault unless a checkpoint is signed and has the root of the tree."""
    checkpoint = trusted_checkpoint(stored, keys)
    if checkpoint.size > size:
        text = f"the tree has {size:,} events, and a checkpoint {checkpoint.size:,}"
        raise ChainFault(FaultKind.TRUNCATED, text)
    if checkpoint.size and checkpoint.root != TileReader().read_root(checkpoint.size):
        raise rewritten_fault(checkpoint.size)
    try:
        note_signers(SignedNote.parse(stored.full_note), witness_keys())
    except NoteError as error:
        text = f"a cosignature of the checkpoint of {checkpoint.size:,} events was changed: {error}"
        raise ChainFault(FaultKind.EDITED, text) from error


def trusted_checkpoint(stored: SignedCheckpoint, keys: list[TrustedKey]) -> CheckpointText:
    """Returns the text of a signed checkpoint. Raises ChainFault unless the columns beside it have
    the same values.
    """
    try:
        checkpoint = verify_checkpoint(stored.note, keys)
    except CheckpointFault as fault:
        raise ChainFault(FaultKind(fault.kind), str(fault)) from fault
    columns = (stored.origin, stored.size, bytes(stored.root))
    if columns != (checkpoint.origin, checkpoint.size, checkpoint.root):
        text = f"the checkpoint of {checkpoint.size:,} events was changed"
        raise ChainFault(FaultKind.EDITED, text)
    return checkpoint


def rewritten_fault(size: int) -> ChainFault:
    text = f"the tree is not that of the checkpoint of {size:,} events: the log was rewritten"
    return ChainFault(FaultKind.REWRITTEN, text)
