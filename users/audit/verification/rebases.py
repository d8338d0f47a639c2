"""Rebases: after a backup was restored, the log goes on under a new origin. The event of it is in
the chain and has the old origin with the head that the backup had: the new log commits to it.

Anchors and checkpoints that were made after the backup are of lost events. The verification leaves
them out, and says so.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC
from typing import NamedTuple

from users.audit.checkpoints import Checkpoint
from users.audit.models import AuditEvent
from users.audit.tree.notes import CheckpointText, Note, NoteError

REBASED_ACTION = "audit.rebased"


class Rebase(NamedTuple):
    """A recorded rebase: its time, both origins, and the last position before it."""

    at: str
    origin: str
    previous: str
    position: int

    @classmethod
    def from_event(cls, event: AuditEvent) -> "Rebase":
        """Raises KeyError, TypeError or ValueError for an event that no rebase has written."""
        return cls(
            event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            str(event.after["origin"]),
            str(event.after["previous_origin"]),
            int(event.after["position"]),
        )

    def explains_anchor(self, anchor: Checkpoint) -> bool:
        """Returns whether an anchor is of events that the restored backup did not have."""
        return anchor.position > self.position and anchor.at <= self.at

    def explains_note(self, note: str) -> bool:
        """Returns whether a signed checkpoint is of such events."""
        try:
            checkpoint = CheckpointText.parse(Note.parse(note).text)
        except NoteError:
            return False
        return checkpoint.origin == self.previous and checkpoint.size > self.position

    def describe(self) -> str:
        return (
            f"a backup with {self.position:,} events was restored, and the log goes on as "
            f"{self.origin} since {self.at}"
        )


class KnownAnchors(NamedTuple):
    """Anchors and signed notes that the chain must agree with, and the number of others."""

    anchors: list[Checkpoint]
    notes: list[str]
    left_out: int


def recorded_rebases() -> list[Rebase]:
    """Returns the rebases in sealed events."""
    events = AuditEvent.objects.filter(action=REBASED_ACTION, chain_position__isnull=False)
    found = []
    for event in events.order_by("chain_position"):
        with suppress(KeyError, TypeError, ValueError):
            found.append(Rebase.from_event(event))
    return found


def leave_out_lost(
    anchors: Sequence[Checkpoint],
    notes: Sequence[str],
    rebases: Iterable[Rebase],
) -> KnownAnchors:
    """Returns the anchors and notes without those of events that a rebase gave up. Their key was
    retired at the size of the backup.
    """
    kept_anchors = list(anchors)
    kept_notes = list(notes)
    for rebase in rebases:
        kept_anchors = [each for each in kept_anchors if not rebase.explains_anchor(each)]
        kept_notes = [each for each in kept_notes if not rebase.explains_note(each)]
    number = len(anchors) + len(notes) - len(kept_anchors) - len(kept_notes)
    return KnownAnchors(kept_anchors, kept_notes, number)
