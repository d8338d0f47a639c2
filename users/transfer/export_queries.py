"""What the page of exports shows, and what goes by the clock."""

from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from users.jobs.models import Job
from users.transfer import export_rows, export_store
from users.transfer.models import Export, ExportPiece

EXPORTS_PER_PAGE = 25


def list_exports(viewer: Any, before: int = 0) -> tuple[list[Export], bool]:
    """The viewer's own, newest first, and whether there are older ones."""
    found = Export.objects.filter(job__by=viewer.pk).select_related("job").order_by("-pk")
    if before:
        found = found.filter(pk__lt=before)
    rows: list[Any] = list(
        found.annotate(rows=sum_pieces("rows"), size=sum_pieces("size"))[: EXPORTS_PER_PAGE + 1]
    )
    now = timezone.now()
    for export in rows:
        export.columns = [
            export_rows.EXPORT_COLUMNS[name].label
            for name in export_rows.chosen_columns(export.job.parameters.get("columns"))
        ]
        export.form = export_rows.EXPORT_FORMATS.get(export.job.parameters.get("format", ""), "")
        export.ready = (
            export.removed_at is None and export.expires_at is not None and export.expires_at > now
        )
    return rows[:EXPORTS_PER_PAGE], len(rows) > EXPORTS_PER_PAGE


def sum_pieces(column: str) -> Subquery:
    mine = ExportPiece.objects.filter(export=OuterRef("pk")).order_by().values("export")
    return Subquery(mine.annotate(sum=Sum(column)).values("sum"))


def expired_exports() -> QuerySet[Export]:
    """Files whose time is up, and those of jobs that were cancelled."""
    return Export.objects.filter(
        Q(expires_at__lte=timezone.now()) | Q(job__state=Job.State.CANCELLED), removed_at=None
    ).order_by("pk")


def remove_expired_exports() -> int:
    """How many files went."""
    found = list(expired_exports())
    for export in found:
        export_store.remove_export(export)
    return len(found)
