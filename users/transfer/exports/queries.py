"""Queries for the list of exports, and the removal of expired files."""

from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum

from users.database.clock import current_time
from users.jobs.models import Job
from users.transfer.exports import formatting, piece_store
from users.transfer.exports.file_job import file_job, file_job_names
from users.transfer.models import Export, ExportPiece
from users.web.paging import IdPage, newest_page

EXPORTS_PER_PAGE = 25


def list_exports(viewer: Any, before: int = 0) -> IdPage[Export]:
    """Returns a page of the viewer's own exports, newest first. `before`: only older ones."""
    found = own_exports(viewer)
    found = found.annotate(rows=sum_pieces("rows"), size=sum_pieces("size"))
    page: IdPage[Export] = newest_page(found, EXPORTS_PER_PAGE, before)
    for export in page.rows:
        describe_export(export)
    return page


def own_exports(viewer: Any) -> QuerySet[Export]:
    """Returns the files of the viewer's jobs, without those of kinds of a newer release."""
    own = Export.objects.filter(job__by=viewer.pk, job__kind__in=file_job_names())
    return own.select_related("job")


def describe_export(export: Any) -> None:
    """Sets attributes for the list: the labels of the columns, the format, and whether the file can
    be downloaded.
    """
    parameters = export.job.parameters
    export.columns = file_job(export).column_labels(export.job)
    export.format_label = formatting.EXPORT_FORMATS.get(parameters.get("format", ""), "")
    live = export.expires_at is not None and export.expires_at > current_time()
    export.ready = export.removed_at is None and live


def sum_pieces(column: str) -> Subquery:
    """Returns the sum of a column over the stored parts of an export, as an annotation."""
    pieces = ExportPiece.objects.filter(export=OuterRef("pk")).order_by().values("export")
    return Subquery(pieces.annotate(sum=Sum(column)).values("sum"))


def expired_exports() -> QuerySet[Export]:
    """Returns the stored files that have expired or whose job was cancelled."""
    expired = Q(expires_at__lte=current_time()) | Q(job__state=Job.State.CANCELLED)
    return Export.objects.filter(expired, removed_at=None).order_by("pk")


def remove_expired_exports() -> int:
    """Removes expired files and returns their number."""
    found = list(expired_exports())
    for export in found:
        piece_store.remove_export(export)
    return len(found)
