"""Rebases: after a backup was restored, the log goes on under a new origin. The event of it is in
the chain and has the old origin with the head that the backup had: the new log commits to it.

Anchors and checkpoints that were made after the backup are of lost events. Whoever owns the
database can write such an event too, so the verification leaves them out only for an origin that it
is given, and only if a checkpoint with this origin covers the event.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import NamedTuple

from users.audit.checkpoints import Checkpoint
from users.audit.models import AuditEvent
from users.audit.tree.models import SignedCheckpoint
from users.audit.tree.notes import CheckpointText, Note, NoteError

REBASED_ACTION = "audit.rebased"


class RebaseError(Exception):
    """The trail does not confirm a rebase; the message is a sentence without a full stop."""


class Rebase(NamedTuple):
    """A recorded rebase: its time, both origins, the last position before it, and its own."""

    at: str
    origin: str
    previous: str
    position: int
    event_position: int

    @classmethod
    def from_event(cls, event: AuditEvent) -> "Rebase":
        return cls(
            event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            event.after["origin"],
            event.after["previous_origin"],
            event.after["position"],
            event.chain_position or 0,
        )

    def explains_anchor(self, anchor: Checkpoint) -> bool:
        """Returns whether an anchor is of events that the restored backup did not have."""
        return anchor.position > self.position and anchor.at <= self.at

    def explains_note(self, note: str) -> bool:
        """Returns whether a signed checkpoint is of such events."""
        size = size_of_note(note, self.previous)
        return size > self.position

    def covering_note(self, notes: Iterable[str]) -> str:
        """Returns a checkpoint of the new origin that covers the event, of `notes` or a stored one.

        Its signature is not verified. Raises RebaseError.
        """
        stored = SignedCheckpoint.objects.filter(origin=self.origin).order_by("-size")
        for note in [*notes, *stored.values_list("note", flat=True)[:1]]:
            if size_of_note(note, self.origin) >= self.event_position:
                return note
        raise RebaseError(f"no checkpoint of {self.origin} covers the event of the rebase")

    def describe(self) -> str:
        return (
            f"a backup with {self.position:,} events was restored, and the log goes on as "
            f"{self.origin} since {self.at}"
        )


def size_of_note(note: str, origin: str) -> int:
    """Returns the size of the tree in a signed checkpoint of an origin; 0 if it is of none."""
    try:
        checkpoint = CheckpointText.parse(Note.parse(note).text)
    except NoteError:
        return 0
    return checkpoint.size if checkpoint.origin == origin else 0


class KnownAnchors(NamedTuple):
    """Anchors and signed notes that the chain must agree with, and the number of others."""

    anchors: list[Checkpoint]
    notes: list[str]
    left_out: int


def recorded_rebases() -> list[Rebase]:
    """Returns the rebases in sealed events."""
    events = AuditEvent.objects.filter(action=REBASED_ACTION, chain_position__isnull=False)
    return [Rebase.from_event(event) for event in events.order_by("chain_position")]


def confirmed_anchors(
    anchors: Sequence[Checkpoint],
    notes: Sequence[str],
    origins: Sequence[str],
) -> KnownAnchors:
    """Returns the anchors and notes without those of events that the rebases to `origins` gave up,
    and with a note for each of these rebases.

    Raises RebaseError if another rebase gives up some, or if there is not one rebase to each.
    """
    recorded = recorded_rebases()
    confirmed = [each for each in recorded if each.origin in origins]
    for origin in origins:
        if [each.origin for each in confirmed].count(origin) != 1:
            raise RebaseError(f"the trail does not record one rebase to {origin}")
    known = leave_out_lost(anchors, notes, confirmed)
    for each in recorded:
        lost = leave_out_lost(known.anchors, known.notes, [each]).left_out
        if lost:
            raise RebaseError(
                f"anchors of events that the rebase to {each.origin} gave up: {lost:,}; "
                f"if you intended it, add --rebased {each.origin}"
            )
    covering = [each.covering_note(known.notes) for each in confirmed]
    return known._replace(notes=[*known.notes, *covering])


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
