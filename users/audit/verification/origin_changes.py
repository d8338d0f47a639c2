"""Origin changes: after a backup was restored, the log continues under a new origin. Its event is
in the chain and has the old origin with the head that the backup had: the new log commits to it.

Anchors and checkpoints that were made after the backup are of lost events. Whoever owns the
database can write such an event too, so the verification leaves them out only for an origin that it
is given, and only if a checkpoint with this origin covers the event.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC
from typing import NamedTuple

from users.audit.anchors import Anchor
from users.audit.models import AuditEvent
from users.audit.tree.models import SignedCheckpoint
from users.audit.tree.notes import CheckpointText, NoteError, SignedNote

ORIGIN_CHANGED_ACTION = "audit.origin_changed"


class OriginChangeError(Exception):
    """The trail confirms no origin change; the message is a sentence without a full stop."""


class OriginChange(NamedTuple):
    """A recorded origin change: time, both origins, the last position before it, and its own."""

    at: str
    origin: str
    previous: str
    position: int
    event_position: int

    @classmethod
    def from_event(cls, event: AuditEvent) -> "OriginChange":
        """Raises KeyError, OverflowError, TypeError or ValueError for an event of another form."""
        return cls(
            event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            str(event.after["origin"]),
            str(event.after["previous_origin"]),
            int(event.after["position"]),
            event.chain_position or 0,
        )

    def gave_up_anchor(self, anchor: Anchor) -> bool:
        """Returns whether an anchor is of events that the restored backup did not have."""
        return anchor.position > self.position and anchor.at <= self.at

    def gave_up_note(self, note: str) -> bool:
        """Returns whether a signed checkpoint is of such events."""
        size = size_of_note(note, self.previous)
        return size > self.position

    def covering_note(self, notes: Iterable[str]) -> str:
        """Returns a checkpoint of the new origin that covers the event, of `notes` or a stored one.

        Its signature is not verified. Raises OriginChangeError.
        """
        stored = SignedCheckpoint.objects.filter(origin=self.origin).order_by("-size")
        for note in [*notes, *stored.values_list("note", flat=True)[:1]]:
            if size_of_note(note, self.origin) >= self.event_position:
                return note
        raise OriginChangeError(f"no checkpoint of {self.origin} covers the event of the change")

    def describe(self) -> str:
        return (
            f"a backup with {self.position:,} events was restored; since {self.at} the log "
            f"continues as {self.origin}"
        )


def size_of_note(note: str, origin: str) -> int:
    """Returns the size of the tree in a signed checkpoint of an origin; 0 if it is of none."""
    try:
        checkpoint = CheckpointText.parse(SignedNote.parse(note).text)
    except NoteError:
        return 0
    return checkpoint.size if checkpoint.origin == origin else 0


class KnownAnchors(NamedTuple):
    """Anchors and signed notes that the chain must agree with, and the number of others."""

    anchors: list[Anchor]
    notes: list[str]
    left_out: int


def recorded_origin_changes() -> list[OriginChange]:
    """Returns the origin changes in sealed events."""
    events = AuditEvent.objects.filter(action=ORIGIN_CHANGED_ACTION, chain_position__isnull=False)
    found = []
    for event in events.order_by("chain_position"):
        with suppress(KeyError, OverflowError, TypeError, ValueError):
            found.append(OriginChange.from_event(event))
    return found


def confirmed_anchors(
    anchors: Sequence[Anchor],
    notes: Sequence[str],
    origins: Sequence[str],
) -> KnownAnchors:
    """Returns the anchors and notes without those of events that the changes to `origins` gave up,
    and with a note for each of these changes.

    Raises OriginChangeError if another one gives up some, or if there is not one change to each.
    """
    recorded = recorded_origin_changes()
    confirmed = [each for each in recorded if each.origin in origins]
    for origin in origins:
        if [each.origin for each in confirmed].count(origin) != 1:
            raise OriginChangeError(f"the trail does not record one change to {origin}")
    known = without_lost_anchors(anchors, notes, confirmed)
    for each in recorded:
        lost = without_lost_anchors(known.anchors, known.notes, [each]).left_out
        if lost:
            raise OriginChangeError(
                f"anchors of events that the change to {each.origin} gave up: {lost:,}; "
                f"if you intended it, add --new-origin {each.origin}"
            )
    covering = [each.covering_note(known.notes) for each in confirmed]
    return known._replace(notes=[*known.notes, *covering])


def without_lost_anchors(
    anchors: Sequence[Anchor],
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
