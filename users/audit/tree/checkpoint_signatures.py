"""Decides whether a checkpoint is signed by a key that counts, and names what is wrong with it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from users.audit.tree.models import VerifierKey
from users.audit.tree.notes import (
    CheckpointText,
    NoteError,
    SignedNote,
    VKey,
)
from users.audit.tree.signatures import note_signers


class CheckpointFault(Exception):
    """A checkpoint can't be trusted; the message is a sentence without a full stop. `kind` is a
    value of FaultKind (users/audit/verification/kinds.py).
    """

    def __init__(self, text: str, kind: str = "edited") -> None:
        super().__init__(text)
        self.kind = kind


class TrustedKey(NamedTuple):
    """A key of the log, and up to which size of the tree its signatures count."""

    key: VKey
    # None: without an end.
    last_size: int | None = None
    is_revoked: bool = False

    def counts_for(self, size: int) -> bool:
        return self.last_size is None or size <= self.last_size

    def describe_end(self) -> str:
        ended = "revoked" if self.is_revoked else "retired"
        return f"key {self.key.key_id.hex()}, which was {ended} at {self.last_size:,} events"


def stored_keys() -> list[TrustedKey]:
    """Returns the keys of the log as the database has them."""
    return [
        TrustedKey(
            VKey.parse(row.vkey),
            row.last_size,
            is_revoked=row.revoked_at is not None,
        )
        for row in VerifierKey.objects.order_by("pk")
    ]


def verify_checkpoint(raw: str, keys: Sequence[TrustedKey]) -> CheckpointText:
    """Returns the text of a signed checkpoint. Raises CheckpointFault unless one of `keys` signed
    it that counts for its size.
    """
    try:
        note = SignedNote.parse(raw)
        checkpoint = CheckpointText.parse(note.text)
    except NoteError as error:
        raise CheckpointFault(f"a checkpoint is not well-formed: {error}") from error
    name = f"the checkpoint of {checkpoint.size:,} events"
    own = [each for each in keys if each.key.name == checkpoint.origin]
    try:
        signed = note_signers(note, [each.key for each in own])
    except NoteError as error:
        raise CheckpointFault(f"{name} was changed: {error}") from error
    signers = [each for each in own if each.key in signed]
    if not signers:
        text = f"{name} is signed only by unknown keys: {named_keys(note)}"
        raise CheckpointFault(text, kind="unknown_key")
    if not any(each.counts_for(checkpoint.size) for each in signers):
        ended = " and ".join(each.describe_end() for each in signers)
        raise CheckpointFault(f"{name} is signed only by {ended}", kind="revoked_key")
    return checkpoint


def verify_checkpoints(raws: Iterable[str], keys: Sequence[TrustedKey]) -> list[CheckpointText]:
    """Returns the texts of signed checkpoints by size. Raises CheckpointFault."""
    found = {verify_checkpoint(raw, keys) for raw in raws}
    return sorted(found, key=lambda checkpoint: checkpoint.size)


def named_keys(note: SignedNote) -> str:
    return ", ".join(f"{each.name}+{each.key_id.hex()}" for each in note.signatures)
