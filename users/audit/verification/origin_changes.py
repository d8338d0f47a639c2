"""Origin changes: after a backup was restored, the log continues under a new origin. Its event is
in the chain and has the old origin with the head that the backup had: the new log commits to it.

Anchors and checkpoints that were made after the backup are of lost events. The verification leaves
them out, and says so.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC
from typing import NamedTuple

from users.audit.checkpoints import Checkpoint
from users.audit.models import AuditEvent
from users.audit.tree.notes import CheckpointText, NoteError, SignedNote

ORIGIN_CHANGED_ACTION = "audit.origin_changed"


class OriginChange(NamedTuple):
    """A recorded origin change: its time, both origins, and the last position before it."""

    at: str
    origin: str
    previous: str
    position: int

    @classmethod
    def from_event(cls, event: AuditEvent) -> "OriginChange":
        """Raises KeyError, TypeError or ValueError for an event of another form."""
        return cls(
            event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            str(event.after["origin"]),
            str(event.after["previous_origin"]),
            int(event.after["position"]),
        )

    def gave_up_anchor(self, anchor: Checkpoint) -> bool:
        """Returns whether an anchor is of events that the restored backup did not have."""
        return anchor.position > self.position and anchor.at <= self.at

    def gave_up_note(self, note: str) -> bool:
        """Returns whether a signed checkpoint is of such events."""
        try:
            checkpoint = CheckpointText.parse(SignedNote.parse(note).text)
        except NoteError:
            return False
        return checkpoint.origin == self.previous and checkpoint.size > self.position

    def describe(self) -> str:
        return (
            f"a backup with {self.position:,} events was restored; since {self.at} the log "
            f"continues as {self.origin}"
        )


class KnownAnchors(NamedTuple):
    """Anchors and signed notes that the chain must agree with, and the number of others."""

    anchors: list[Checkpoint]
    notes: list[str]
    left_out: int


def recorded_origin_changes() -> list[OriginChange]:
    """Returns the origin changes in sealed events."""
    events = AuditEvent.objects.filter(action=ORIGIN_CHANGED_ACTION, chain_position__isnull=False)
    found = []
    for event in events.order_by("chain_position"):
        with suppress(KeyError, TypeError, ValueError):
            found.append(OriginChange.from_event(event))
    return found


def without_lost_anchors(
    anchors: Sequence[Checkpoint],
    notes: Sequence[str],
    changes: Iterable[OriginChange],
) -> KnownAnchors:
    """Returns the anchors and notes without those of events that an origin change gave up. Their
    key was retired at the size of the backup.
    """
    kept_anchors = list(anchors)
    kept_notes = list(notes)
    for change in changes:
        kept_anchors = [each for each in kept_anchors if not change.gave_up_anchor(each)]
        kept_notes = [each for each in kept_notes if not change.gave_up_note(each)]
    number = len(anchors) + len(notes) - len(kept_anchors) - len(kept_notes)
    return KnownAnchors(kept_anchors, kept_notes, number)
