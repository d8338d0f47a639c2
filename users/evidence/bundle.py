"""The evidence bundle: a zip with events, a proof of each, the checkpoint that they lead to, the
verifier key, and a program that verifies them without Rollcall.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC
from itertools import chain
from operator import itemgetter
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

from django.db.models import QuerySet

from users.audit.chain import part_salt
from users.audit.models import AuditEvent
from users.audit.tree.models import SignedCheckpoint, VerifierKey
from users.audit.tree.notes import SignedNote
from users.audit.tree.proofs import event_proof, latest_checkpoint
from users.audit.tree.tiles import TileReader
from users.database.erasure_rules import EVENT_PARTS, NON_TEXT_COLUMNS
from users.evidence.event_rows import session_text
from users.transfer.exports.formatting import EXPORT_FORMATS

BUNDLE_FORMAT = "zip"
EVENT_FORMATS = EXPORT_FORMATS | {BUNDLE_FORMAT: "Evidence bundle (zip)"}
VERIFIER = Path(__file__).with_name("verify.py")
READ_ME = """\
Evidence from the audit trail of Rollcall

events.jsonl   one event a line
proofs/        a proof of each event (C2SP tlog-proof)
checkpoint     the signed checkpoint that the proofs lead to (C2SP tlog-checkpoint)
verifier-key   the key that signed it
verify.py      verifies all of them: python3 verify.py --key VERIFIER_KEY

verify.py needs Python and the package cryptography, and no network. Compare the verifier key with
the copy that you have from elsewhere. The bundle proves that its events are part of the audit
trail, not that these are all events. Values that were erased or redacted are left out.
"""
PLAIN_COLUMNS = (
    "id",
    "action",
    "actor_id",
    "actor_text",
    "target_id",
    "target_text",
    "target_version",
    "before",
    "after",
    "reason",
    "ticket",
    "ip",
    "user_agent",
    "request_id",
    "job_id",
    "chain_position",
)
# Proofs read tiles, and each tile once. A reader keeps them, so it is replaced now and then.
PROOFS_OF_ONE_READER = 500


class NoCheckpoint(Exception):
    """No signed checkpoint covers the events yet."""


def provable_events(
    events: QuerySet[AuditEvent],
    checkpoint: SignedCheckpoint,
) -> QuerySet[AuditEvent]:
    """Returns those of the events that the checkpoint covers, in the order of the chain."""
    return events.filter(chain_position__lte=checkpoint.size).order_by("chain_position")


def evidence_line(event: AuditEvent) -> str:
    """Returns an event as JSON, with everything that enters its hash."""
    values: dict[str, Any] = {name: getattr(event, name) for name in PLAIN_COLUMNS}
    values["session_id"] = session_text(event.session_id)
    values["at"] = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    values["chain_previous"] = bytes(event.chain_previous or b"").hex()
    for part, columns in EVENT_PARTS.items():
        digest = getattr(event, f"{part}_digest")
        values[f"{part}_digest"] = bytes(digest).hex() if digest is not None else None
        salt = part_salt(part, bytes(event.chain_salt or b""))
        if digest is not None:
            values |= {name: without_content(name, values[name]) for name in columns}
            salt = bytes(len(salt))
        values[f"{part}_salt"] = salt.hex()
    return json.dumps(values, ensure_ascii=False) + "\n"


def without_content(name: str, value: Any) -> Any:
    """Returns the form in which erased values of a column are stored. Redacted texts get it in a
    bundle, since their digest proves only the original.
    """
    if isinstance(value, dict):
        return dict.fromkeys(value)
    return None if name in NON_TEXT_COLUMNS else ""


def write_bundle(file: IO[bytes], events: QuerySet[AuditEvent]) -> int:
    """Writes the bundle of the events that the newest checkpoint covers. Returns their number.

    Raises NoCheckpoint without one or without such events, and TreeFault if the tree is damaged.
    """
    checkpoint = latest_checkpoint()
    if checkpoint is None:
        raise NoCheckpoint("There is no signed checkpoint yet.")
    chosen = provable_events(events, checkpoint)
    rows = proven_rows(chosen.iterator(chunk_size=PROOFS_OF_ONE_READER), checkpoint)
    number = write_bundle_rows(file, map(itemgetter(1), rows), checkpoint)
    if not number:
        raise NoCheckpoint("no matching event is covered by a signed checkpoint yet.")
    return number


def proven_rows(
    events: Iterable[AuditEvent],
    checkpoint: SignedCheckpoint,
) -> Iterator[tuple[int, bytes]]:
    """Yields the ID of each event that the checkpoint covers, with a row that has its line and its
    proof.
    """
    reader = TileReader()
    for place, event in enumerate(events, start=1):
        if event.chain_position is None or event.chain_position > checkpoint.size:
            continue
        proof = event_proof(event, checkpoint, reader).decode()
        row = [event.pk, evidence_line(event), proof]
        yield event.pk, json.dumps(row).encode() + b"\n"
        if place % PROOFS_OF_ONE_READER == 0:
            reader = TileReader()


def pack_rows_as_bundle(
    parts: Iterable[bytes],
    checkpoint: SignedCheckpoint,
) -> IO[bytes]:
    """Returns an open temporary file with the bundle of stored rows."""
    file = TemporaryFile()  # noqa: SIM115  the download reads it
    rows = chain.from_iterable(part.splitlines() for part in parts)
    write_bundle_rows(file, rows, checkpoint)
    return file


def write_bundle_rows(
    file: IO[bytes],
    rows: Iterable[bytes],
    checkpoint: SignedCheckpoint,
) -> int:
    """Writes the bundle of rows to a file and returns their number.

    All proofs get the checkpoint as it is now: a witness may have signed it since they were stored.
    """
    number = 0
    note = checkpoint.full_note
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as bundle, TemporaryFile() as lines:
        for row in rows:
            pk, line, proof = json.loads(row)
            path, gap, _ = proof.partition("\n\n")
            lines.write(line.encode())
            bundle.writestr(f"proofs/{pk}.tlog-proof", path + gap + note)
            number += 1
        lines.seek(0)
        with bundle.open("events.jsonl", "w", force_zip64=True) as entry:
            copyfileobj(lines, entry)
        bundle.writestr("checkpoint", note)
        bundle.writestr("verifier-key", signing_vkeys(checkpoint))
        bundle.writestr("verify.py", VERIFIER.read_text(encoding="utf-8"))
        bundle.writestr("README.txt", READ_ME)
    return number


def signing_vkeys(checkpoint: SignedCheckpoint) -> str:
    """Returns the verifier keys that have signed a checkpoint, one a line."""
    ids = {each.key_id.hex() for each in SignedNote.parse(checkpoint.note).signatures}
    keys = VerifierKey.objects.filter(key_id__in=ids, origin=checkpoint.origin).order_by("pk")
    return "".join(f"{key.vkey}\n" for key in keys)
