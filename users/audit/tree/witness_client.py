"""Asks witnesses to cosign checkpoints (C2SP tlog-witness). A witness signs only trees that contain
the last one it signed, so it refuses a log that was rewritten or cut off.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from users.audit.tree.models import AnchorDelivery, SignedCheckpoint
from users.audit.tree.notes import (
    NoteError,
    SignedNote,
    VKey,
    encode_base64,
)
from users.audit.tree.proofs import consistency_proof
from users.audit.tree.signatures import note_signers
from users.identifiers import LARGEST_ID
from users.outbound.limited_requests import Reply, post_body

SIZE_TYPE = "text/x.tlog.size"
SIZE_BODY = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")
COSIGNED = 200
CONFLICT = 409
UNPROCESSABLE = 422


class WitnessError(Exception):
    """A witness did not cosign; the next attempt may succeed."""


class ForkRefusal(Exception):
    """A witness has cosigned another tree than this one."""


class WitnessAddress(NamedTuple):
    """The URL prefix of a witness and its key."""

    url: str
    key: VKey

    @classmethod
    def parse(
        cls,
        url: str,
        vkey: str,
    ) -> "WitnessAddress":
        return cls(url.rstrip("/"), VKey.parse(vkey))


def witness_keys() -> list[VKey]:
    """Returns the keys of the witnesses in the settings."""
    return [VKey.parse(vkey) for _, vkey in settings.AUDIT_WITNESSES]


def cosign_checkpoint(
    witness: WitnessAddress, checkpoint: SignedCheckpoint, delivery: AnchorDelivery
) -> None:
    """Gets the cosignature of a witness and stores it with the checkpoint.

    `delivery.size` is what the witness has cosigned before, as far as is known. Raises ForkRefusal,
    WitnessError, TreeFault, OSError or HTTPException.
    """
    # A witness that has cosigned more says so itself.
    old_size = min(delivery.size, checkpoint.size)
    reply = request_cosignature(witness, checkpoint, old_size)
    if reply.status == CONFLICT:
        delivery.size = conflicting_size(reply)
        if delivery.size > checkpoint.size:
            raise ForkRefusal(
                f"the witness has cosigned {delivery.size:,} events, "
                f"and this log has {checkpoint.size:,}"
            )
        reply = request_cosignature(witness, checkpoint, delivery.size)
    if reply.status == UNPROCESSABLE:
        raise ForkRefusal(
            f"the witness refuses {checkpoint.size:,} events: "
            f"they do not begin with the {delivery.size:,} that it has cosigned"
        )
    if reply.status != COSIGNED:
        raise WitnessError(f"the witness answered with status {reply.status}")
    store_cosignature(checkpoint, cosignature_line(witness, checkpoint, reply))
    delivery.size = checkpoint.size


def request_cosignature(
    witness: WitnessAddress, checkpoint: SignedCheckpoint, old_size: int
) -> Reply:
    proof = consistency_proof(old_size, checkpoint.size)
    body = add_checkpoint_body(old_size, proof, checkpoint.note)
    return post_body(f"{witness.url}/add-checkpoint", body)


def add_checkpoint_body(
    old_size: int,
    proof: Sequence[bytes],
    note: str,
) -> bytes:
    """Returns the body of a request add-checkpoint."""
    lines = [f"old {old_size}", *map(encode_base64, proof), "", note]
    return "\n".join(lines).encode()


def conflicting_size(reply: Reply) -> int:
    """Returns the size in an answer 409. Raises WitnessError."""
    match = SIZE_BODY.fullmatch(reply.body)
    if match is None or not reply.content_type.startswith(SIZE_TYPE):
        raise WitnessError("the witness answered with status 409 and no size")
    size = int(match[1])
    if size > LARGEST_ID:
        raise WitnessError("the witness answered with status 409 and an impossible size")
    return size


def cosignature_line(
    witness: WitnessAddress,
    checkpoint: SignedCheckpoint,
    reply: Reply,
) -> str:
    """Returns the signature line of the witness in its answer. Raises WitnessError if there is no
    valid one.
    """
    text = SignedNote.parse(checkpoint.note).text
    try:
        note = SignedNote.parse(f"{text}\n{reply.body.decode()}")
        if not note_signers(note, [witness.key]):
            raise NoteError("it has no cosignature of its key")
    except (NoteError, UnicodeDecodeError) as error:
        raise WitnessError(f"the witness answered with a wrong cosignature: {error}") from error
    own = (witness.key.name, witness.key.key_id)
    lines = [str(each) for each in note.signatures if (each.name, each.key_id) == own]
    return lines[0]


def store_cosignature(checkpoint: SignedCheckpoint, line: str) -> None:
    with transaction.atomic():
        row = SignedCheckpoint.objects.select_for_update().get(pk=checkpoint.pk)
        if line not in row.cosignatures:
            row.cosignatures += line
            row.save(update_fields=["cosignatures"])
