"""Checkpoints in files and logs: one line for a log, and notes as they are, for example in a saved
email. Both are found again among other lines.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain

from users.audit.tree.models import SignedCheckpoint
from users.audit.tree.notes import (
    SIGNATURE_PREFIX,
    CheckpointText,
    NoteError,
    decode_base64,
    encode_base64,
)

NOTE_LINE = re.compile(r"audit-checkpoint size=[0-9]+ note=([A-Za-z0-9+/]+=*)")
# Origin, size and root of a checkpoint, and the empty line before its signatures.
HEAD_LINES = 4


def note_line(checkpoint: SignedCheckpoint) -> str:
    """Returns a line for logs: log shippers split multi-line entries."""
    note = encode_base64(checkpoint.full_note.encode())
    return f"audit-checkpoint size={checkpoint.size} note={note}"


def read_notes(lines: Iterable[str]) -> list[str]:
    """Returns the checkpoints among the lines of a file, each once."""
    finder = NoteFinder()
    found: dict[str, None] = {}
    for line in chain(lines, [""]):
        found |= dict.fromkeys(finder.add_line(line.rstrip("\r\n")))
    return list(found)


class NoteFinder:
    """Finds notes in lines that come one by one."""

    def __init__(self) -> None:
        self.recent: deque[str] = deque(maxlen=HEAD_LINES)
        # The lines of the note whose signatures are being read.
        self.note: list[str] = []

    def add_line(self, line: str) -> Iterator[str]:
        """Yields the notes that end at this line."""
        if match := NOTE_LINE.search(line):
            yield decode_note(match[1])
        if line.startswith(SIGNATURE_PREFIX):
            if not self.note and is_checkpoint_head(list(self.recent)):
                self.note = list(self.recent)
            if self.note:
                self.note.append(line)
        elif self.note:
            yield "\n".join(self.note) + "\n"
            self.note = []
        self.recent.append(line)


def is_checkpoint_head(lines: list[str]) -> bool:
    """Returns whether the lines are the text of a checkpoint and an empty one."""
    if len(lines) < HEAD_LINES or lines[-1]:
        return False
    try:
        CheckpointText.parse("\n".join(lines))
    except NoteError:
        return False
    return True


def decode_note(encoded: str) -> str:
    """Returns the note of a line; what is no text becomes a note that nobody has signed."""
    try:
        return decode_base64(encoded).decode(errors="replace")
    except NoteError:
        return encoded
