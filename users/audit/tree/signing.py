"""Signs checkpoints: the worker's part of the log, the only one that needs the private key."""

import logging
import time

from django.db import transaction

from users.audit.record import record_event
from users.audit.redaction import SystemActor
from users.audit.tree.integration import (
    LEAVES_AT_ONCE,
    add_leaves,
    lock_tree_head,
)
from users.audit.tree.models import SignedCheckpoint, TreeHead
from users.audit.tree.notes import CheckpointText, SignedNote
from users.audit.tree.private_keys import KeyFileError, read_signing_keys
from users.audit.tree.proofs import latest_checkpoint
from users.audit.tree.recent_hashes import RecentHashes
from users.audit.tree.signatures import SigningKey
from users.audit.tree.tiles import TileReader, TreeFault, edge_tiles
from users.audit.tree.verifier_keys import register_keys
from users.database.clock import current_time

logger = logging.getLogger(__name__)
# The events of years, after an upgrade, take several runs of the task.
GROWING_SECONDS = 20
FOUND_IN_FILE = "The worker found it in AUDIT_KEY_FILE."


def update_log(recent: RecentHashes | None = None) -> None:
    """Adds sealed events to the tree and signs a checkpoint of it. What prevents that is logged and
    noted for the page Status, because sealing must go on. `recent`: hashes of the events.
    """
    problem = ""
    head = None
    keys: list[SigningKey] = []
    try:
        keys = read_signing_keys()
    except KeyFileError as error:
        problem = str(error)
    try:
        head = integrate_and_sign(keys, recent or RecentHashes())
    except TreeFault as fault:
        problem = str(fault)
    if problem:
        logger.error("No checkpoint was signed: %s.", problem)
    note_result(head, problem[:300], has_key=bool(keys) or bool(problem))


def note_result(head: TreeHead | None, problem: str, *, has_key: bool) -> None:
    """Stores the result of a run, if it is not that of the run before."""
    if head is None or (head.problem, head.has_key) != (problem, has_key):
        values = {"problem": problem, "has_key": has_key}
        TreeHead.objects.update_or_create(pk=1, defaults=values)


def integrate_and_sign(keys: list[SigningKey], recent: RecentHashes) -> TreeHead:
    """Adds sealed events to the tree for up to GROWING_SECONDS, signs it and returns its head. The
    last part of them and the checkpoint are one transaction, since each commit waits for the disk.
    """
    deadline = time.monotonic() + GROWING_SECONDS
    while True:
        with transaction.atomic():
            head = lock_tree_head()
            reader = TileReader()
            is_complete = add_leaves(head, recent, reader) < LEAVES_AT_ONCE
            if is_complete or time.monotonic() > deadline:
                sign_checkpoint(head.size, keys, reader)
                return head


def sign_checkpoint(
    size: int,
    keys: list[SigningKey],
    reader: TileReader,
) -> SignedCheckpoint | None:
    """Signs the tree with all `keys`, if it has grown since the last checkpoint; during a rotation
    there are two. The caller has locked the head of the tree. `reader` may have some of its tiles.

    Raises TreeFault if the tree does not contain that of the last checkpoint: signing would confirm
    a fork.
    """
    if not keys:
        return None
    origin = keys[0].verifier.name
    last = latest_checkpoint()
    if last is not None:
        check_extension(last, size, reader)
    if size == (last.size if last and last.origin == origin else 0):
        return None
    for key in register_keys([key.verifier for key in keys], size):
        # Somebody has replaced the file, since `audit_key` registers its keys.
        record_event(
            "audit.key_added",
            actor=SystemActor(),
            after={"key": key.vkey},
            reason=FOUND_IN_FILE,
        )
    checkpoint = CheckpointText(origin, size, reader.read_root(size))
    return SignedCheckpoint.objects.create(
        at=current_time(),
        origin=origin,
        size=size,
        root=checkpoint.root,
        note=signed_note(checkpoint, keys),
    )


def signed_note(checkpoint: CheckpointText, keys: list[SigningKey]) -> str:
    text = str(checkpoint)
    signatures = [key.sign_text(text) for key in keys]
    return str(SignedNote(text, tuple(signatures)))


def check_extension(
    last: SignedCheckpoint,
    size: int,
    reader: TileReader,
) -> None:
    """Raises TreeFault unless the tree still begins with that of the last checkpoint."""
    reader.load([*edge_tiles(last.size), *edge_tiles(size)])
    if size < last.size:
        raise TreeFault(f"the tree has {size:,} events, and its last checkpoint {last.size:,}")
    if reader.read_root(last.size) != bytes(last.root):
        raise TreeFault(f"the tree is not that of the checkpoint of {last.size:,} events any more")
