"""Queries for the list of exports, and the removal of expired files."""

from typing import Any

from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Sum

from users import access
from users.audit.models import AuditEvent
from users.database.clock import current_time
from users.jobs.models import Job
from users.transfer.exports import formatting, piece_store
from users.transfer.exports.file_job import file_job, file_job_names
from users.transfer.models import Export, ExportPiece
from users.web.paging import IdPage, newest_page

EXPORTS_PER_PAGE = 25
# URL, label, and the action of users.access that the page requires.
EXPORT_PAGES = (
    ("/exports/", "Your files", "export"),
    ("/exports/schedules/", "Scheduled", "export"),
    ("/exports/everyone/", "Everyone’s", "view_exports"),
)


def export_tabs(viewer: Any) -> list[tuple[str, str]]:
    """Returns URL and label of the pages that the viewer may see."""
    return [(url, label) for url, label, action in EXPORT_PAGES if access.may(viewer, action)]


def list_exports(by: int | None, before: int = 0) -> IdPage[Export]:
    """Returns a page of exports, newest first: those of one person, or with None of everyone.
    `before`: only older ones.
    """
    found = find_exports(by)
    found = found.annotate(rows=sum_pieces("rows"), stored=sum_pieces("size"))
    page: IdPage[Export] = newest_page(found, EXPORTS_PER_PAGE, before)
    downloads = count_downloads([export.job_id for export in page.rows])
    for export in page.rows:
        describe_export(export)
        export.downloads = downloads.get(export.job_id)  # type: ignore[attr-defined]
    return page


def find_exports(by: int | None) -> QuerySet[Export]:
    """Returns the files of the jobs of one person, or of everyone, without those of kinds of a
    newer release.
    """
    found = Export.objects.filter(job__kind__in=file_job_names())
    if by is not None:
        found = found.filter(job__by=by)
    return found.select_related("job", "job__by")


def count_downloads(job_ids: list[int]) -> dict[int, dict[str, Any]]:
    """Returns the number of downloads and the time of the last one, by the ID of the job."""
    events = AuditEvent.objects.filter(job_id__in=job_ids, action="export.downloaded")
    counted = events.order_by().values("job_id").annotate(number=Count("id"), last=Max("at"))
    return {row["job_id"] or 0: dict(row) for row in counted}


def describe_export(export: Any) -> None:
    """Sets attributes for the list: the labels of the columns, the format, and whether the file can
    be downloaded.
    """
    parameters = export.job.parameters
    export.columns = file_job(export).column_labels(export.job)
    file_format = parameters.get("format", "")
    export.format_label = formatting.FORMAT_LABELS.get(file_format, "")
    export.bytes = export.stored if export.size is None else export.size
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
