"""A witness for other logs and for tests (C2SP tlog-witness, without subtrees): it remembers the
last checkpoint of each log, and cosigns only those that extend it. It needs no database.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from users.audit.tree.merkle import (
    EMPTY_ROOT,
    ProofError,
    check_consistency,
)
from users.audit.tree.notes import (
    NOTE_TYPE,
    CheckpointText,
    NoteError,
    SignedNote,
    VKey,
    decode_base64,
)
from users.audit.tree.signatures import SigningKey, note_signers
from users.audit.tree.witness_client import (
    CONFLICT,
    COSIGNED,
    SIZE_BODY,
    SIZE_TYPE,
    UNPROCESSABLE,
)
from users.outbound.limited_requests import Reply

MAX_PROOF_LINES = 63
BAD_REQUEST = 400
FORBIDDEN = 403
NOT_FOUND = 404


class BadSubmission(Exception):
    """A request that is not answered with a cosignature."""

    def __init__(
        self,
        status: int,
        text: str,
        content_type: str = NOTE_TYPE,
    ):
        super().__init__(text)
        self.reply = Reply(status, content_type, f"{text}\n".encode())


class Submission(NamedTuple):
    """The body of a request add-checkpoint."""

    old_size: int
    proof: tuple[bytes, ...]
    note: SignedNote
    checkpoint: CheckpointText

    @classmethod
    def parse(cls, body: bytes) -> "Submission":
        """Raises BadSubmission unless the body is well-formed."""
        try:
            head, _, raw = body.decode().partition("\n\n")
            first, *lines = head.split("\n")
            note = SignedNote.parse(raw)
            checkpoint = CheckpointText.parse(note.text)
            proof = tuple(decode_base64(line) for line in lines)
        except (NoteError, UnicodeDecodeError) as error:
            raise BadSubmission(BAD_REQUEST, f"bad request: {error}") from error
        size = SIZE_BODY.fullmatch(first.removeprefix("old ").encode())
        if not first.startswith("old ") or size is None or len(lines) > MAX_PROOF_LINES:
            raise BadSubmission(BAD_REQUEST, "bad request: the old size or the proof is wrong")
        return cls(int(size[1]), proof, note, checkpoint)


class Witness:
    """`logs`: the keys of the logs that it knows. `folder`: where it remembers their checkpoints,
    each in a file.
    """

    def __init__(
        self,
        key: SigningKey,
        logs: Sequence[VKey],
        folder: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.key = key
        self.logs = logs
        self.folder = folder
        self.clock = clock
        self.lock = Lock()

    def add_checkpoint(self, body: bytes) -> Reply:
        """Answers a request add-checkpoint."""
        try:
            submission = Submission.parse(body)
            self.check_signature(submission)
            # What is compared with the last checkpoint must be stored before another request reads.
            with self.lock:
                self.check_growth(submission)
                cosigned = self.cosign(submission)
        except BadSubmission as refusal:
            return refusal.reply
        return Reply(COSIGNED, NOTE_TYPE, cosigned.encode())

    def check_signature(self, submission: Submission) -> None:
        origin = submission.checkpoint.origin
        keys = [key for key in self.logs if key.name == origin]
        if not keys:
            raise BadSubmission(NOT_FOUND, "unknown log")
        try:
            signed = note_signers(submission.note, keys)
        except NoteError as error:
            raise BadSubmission(FORBIDDEN, f"invalid signature: {error}") from error
        if not signed:
            raise BadSubmission(FORBIDDEN, "no signature of a known key")

    def check_growth(self, submission: Submission) -> None:
        """Raises BadSubmission unless the checkpoint extends the last one that was cosigned."""
        checkpoint = submission.checkpoint
        old_size = submission.old_size
        if old_size > checkpoint.size:
            raise BadSubmission(BAD_REQUEST, "the old size is larger than the checkpoint")
        last = self.last_checkpoint(checkpoint.origin)
        if last.size != old_size:
            raise BadSubmission(CONFLICT, str(last.size), SIZE_TYPE)
        try:
            check_consistency(
                old_size,
                checkpoint.size,
                last.root,
                checkpoint.root,
                submission.proof,
            )
        except ProofError as error:
            raise BadSubmission(UNPROCESSABLE, f"consistency proof: {error}") from error

    def cosign(self, submission: Submission) -> str:
        """Remembers the checkpoint and returns the signature line."""
        seconds = int(self.clock())
        line = str(self.key.cosign_text(submission.note.text, seconds))
        note = str(submission.note) + line
        self.store_note(submission.checkpoint, note)
        return line

    # --- stored checkpoints -----------------------------------------------------------------------

    def state_file(self, origin_digest: str) -> Path:
        return self.folder / f"{origin_digest}.json"

    def last_checkpoint(self, origin: str) -> CheckpointText:
        """Returns the last checkpoint of a log that was cosigned; that of an empty tree without
        any.
        """
        note = self.stored_note(origin_digest(origin))
        if not note:
            return CheckpointText(origin, 0, EMPTY_ROOT)
        return CheckpointText.parse(SignedNote.parse(note).text)

    def stored_note(self, digest: str) -> str:
        """Returns the last note of a log with its cosignature; "" if there is none."""
        path = self.state_file(digest)
        return json.loads(path.read_text())["note"] if path.exists() else ""

    def store_note(self, checkpoint: CheckpointText, note: str) -> None:
        """Stores a checkpoint for good before anybody gets its cosignature."""
        path = self.state_file(origin_digest(checkpoint.origin))
        new = path.with_suffix(".new")
        self.folder.mkdir(parents=True, exist_ok=True)
        with new.open("w") as file:
            json.dump({"origin": checkpoint.origin, "note": note}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


def origin_digest(origin: str) -> str:
    """Returns the name of a log in URLs of a witness."""
    return sha256(origin.encode()).hexdigest()
