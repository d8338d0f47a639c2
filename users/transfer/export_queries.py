"""What the page of exports shows, and what goes by the clock."""

from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from users.jobs.models import Job
from users.transfer import export_store, exporting
from users.transfer.models import Export, ExportPiece

SIZE = 25


def exports(viewer: Any, before: int = 0) -> tuple[list[Export], bool]:
    """The viewer's own, newest first, and whether there are older ones."""
    found = Export.objects.filter(job__by=viewer.pk).select_related("job").order_by("-pk")
    if before:
        found = found.filter(pk__lt=before)
    rows: list[Any] = list(found.annotate(rows=summed("rows"), size=summed("size"))[: SIZE + 1])
    now = timezone.now()
    for export in rows:
        export.columns = [
            exporting.COLUMNS[name].label
            for name in exporting.chosen(export.job.parameters.get("columns"))
        ]
        export.form = exporting.FORMATS.get(export.job.parameters.get("format", ""), "")
        export.ready = (
            export.removed_at is None and export.expires_at is not None and export.expires_at > now
        )
    return rows[:SIZE], len(rows) > SIZE


def summed(column: str) -> Subquery:
    mine = ExportPiece.objects.filter(export=OuterRef("pk")).order_by().values("export")
    return Subquery(mine.annotate(sum=Sum(column)).values("sum"))


def over() -> QuerySet[Export]:
    """Files whose time is up, and those of jobs that were cancelled."""
    return Export.objects.filter(
        Q(expires_at__lte=timezone.now()) | Q(job__state=Job.State.CANCELLED), removed_at=None
    ).order_by("pk")


def remove_over() -> int:
    """How many files went."""
    found = list(over())
    for export in found:
        export_store.remove(export)
    return len(found)
