"""Proofs for others: that the log has an event, and that a later tree contains an earlier one."""

from users.audit.models import AuditEvent
from users.audit.tree.merkle import consistency_path
from users.audit.tree.models import SignedCheckpoint
from users.audit.tree.notes import encode_base64
from users.audit.tree.tiles import (
    TileReader,
    TreeFault,
    edge_tiles,
)

PROOF_HEADER = "c2sp.org/tlog-proof@v1"


def latest_checkpoint() -> SignedCheckpoint | None:
    """Returns the newest signed checkpoint."""
    return SignedCheckpoint.objects.order_by("-pk").first()


def is_covered(position: int | None) -> bool:
    """Returns whether a checkpoint covers the event at this position of the chain."""
    checkpoint = latest_checkpoint()
    return bool(position and checkpoint and position <= checkpoint.size)


def inclusion_proof(
    position: int,
    tree_size: int,
    reader: TileReader | None = None,
) -> list[bytes]:
    """Returns the proof that the tree of `tree_size` events has the one at this position of the
    chain, from the leaf's sibling up. Raises TreeFault if it hasn't.

    `reader`: one for many proofs reads each tile once.
    """
    if not 1 <= position <= tree_size:
        raise TreeFault(f"position {position} is not in a tree of {tree_size:,} events")
    return (reader or TileReader()).read_inclusion(position - 1, tree_size)


def consistency_proof(old_size: int, tree_size: int) -> list[bytes]:
    """Returns the proof that the tree of `tree_size` events begins with that of `old_size`."""
    if not 0 <= old_size <= tree_size:
        raise TreeFault(f"a tree of {tree_size:,} events contains none of {old_size:,}")
    reader = TileReader()
    reader.load([*edge_tiles(tree_size), *edge_tiles(old_size)])
    return consistency_path(old_size, tree_size, reader.read_node)


def event_proof(
    event: AuditEvent,
    checkpoint: SignedCheckpoint | None = None,
    reader: TileReader | None = None,
) -> bytes:
    """Returns the proof of an event (C2SP tlog-proof) with a checkpoint, by default the newest.

    The leaf is `chain_hash`. Raises TreeFault if no checkpoint covers the event yet.
    """
    checkpoint = checkpoint or latest_checkpoint()
    position = event.chain_position
    if position is None or checkpoint is None or position > checkpoint.size:
        raise TreeFault(f"no checkpoint covers event {event.pk} yet")
    hashes = inclusion_proof(position, checkpoint.size, reader)
    lines = [PROOF_HEADER, f"index {position - 1}", *map(encode_base64, hashes), ""]
    return ("\n".join(lines) + "\n" + checkpoint.full_note).encode()
