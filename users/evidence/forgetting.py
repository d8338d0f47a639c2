"""Removes a person from files with audit events."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from django.db.models import Q

from users.audit.models import AuditEvent
from users.audit.redaction import register_redaction_step
from users.evidence.export_job import ExportEvents
from users.forgetting import Erasure, forgets
from users.transfer.exports.piece_store import drop_rows
from users.transfer.models import Export, ExportPiece


@forgets(order=35)
def erase_from_event_files(erasure: Erasure) -> None:
    """Removes the events about the person, and those of what they did, from every stored file. The
    step of the accounts' files has removed the person's own files, and has locked the jobs that
    are writing one.
    """
    if not live_event_files():
        return
    pk = erasure.account.pk
    events = AuditEvent.objects.filter(Q(target_id=pk) | Q(actor_id=pk)).order_by("pk")
    remove_event_rows(list(events.values_list("pk", flat=True)))


def remove_event_rows(ids: Sequence[int]) -> None:
    """Removes the rows of these events from every stored file. Call it in a transaction."""
    chosen = set(ids)
    ordered = sorted(chosen)
    for export in live_event_files():
        pieces = ExportPiece.objects.filter(export=export).order_by("last")
        for pk, first, last in pieces.values_list("pk", "first", "last"):
            if bisect_left(ordered, first) < bisect_right(ordered, last):
                piece = ExportPiece.objects.select_for_update(of=("self",)).get(pk=pk)
                drop_rows(piece, chosen)


def live_event_files() -> list[Export]:
    live = Export.objects.filter(removed_at=None, job__kind=ExportEvents.name)
    return list(live.order_by("pk"))


# Texts about others lose the names of an erased person some time after the erasure.
register_redaction_step(remove_event_rows)
