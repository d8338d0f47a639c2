"""The kind of a job that writes a file. The file is stored in parts, one for each chunk, and the
person who started the job can download it for some days.
"""

from abc import abstractmethod
from datetime import timedelta
from typing import IO, Any, ClassVar

from django.conf import settings
from django.db.models import Sum

from users import access
from users.audit.record import record_event
from users.bulk.undo_rules import bulk_job_links
from users.database.clock import current_time
from users.jobs import transitions
from users.jobs.kinds import KINDS, Chunk, JobKind, JobLink
from users.jobs.models import Job
from users.jobs.queue import task_queue
from users.transfer.exports import piece_store
from users.transfer.exports.file_layout import FileLayout, csv_layout, scim_layout
from users.transfer.models import Export, ExportPiece

FINISH_TASK = "users.transfer.tasks.finish_exports"


class FileJob(JobKind):
    approval_rule = "above"
    finished_code = "written"
    # Begins the name of the file; the ID of the job follows.
    file_name: ClassVar[str]
    # The action of users.access that a download requires, besides "export".
    view_action: ClassVar[str]
    # Whether the rows are accounts, which the meter counts.
    holds_accounts: ClassVar[bool] = True
    # The audit event about the finished file.
    made_event: ClassVar[str]
    # The same rows are always converted into the same file, which is stored once the job is done.
    keeps_converted: ClassVar[bool] = False

    @abstractmethod
    def headings(self, job: Job) -> list[str]:
        """Returns the first line of a CSV file."""

    @abstractmethod
    def column_labels(self, job: Job) -> list[str]:
        """Returns what the list of files says about the columns."""

    def event_values(self, job: Job) -> dict[str, Any]:
        """Returns what the event about the finished file records, besides the number of rows."""
        return {}

    def account_count(self, job: Job) -> int | None:
        return job.unchanged if job.state == Job.State.DONE else job.expected

    def count_labels(self) -> dict[str, str]:
        return {"changed": "", "unchanged": "Written"}

    def started(self, job: Job) -> None:
        Export.objects.create(job=job)

    def store_rows(
        self,
        chunk: Chunk,
        rows: piece_store.EncodedRows,
        *,
        masked: bool,
        marked: bool = False,
    ) -> None:
        """Stores the part of the file that a chunk has written. `marked`: readers shall take off
        the guards of its cells (users.web.csv_text).
        """
        if not rows:
            return
        ExportPiece.objects.create(
            export=chunk.job.export,
            masked=masked,
            marked=marked,
            **piece_store.pack_rows(rows),
        )

    def ended(self, job: Job) -> None:
        file = job.export
        file.expires_at = current_time() + timedelta(days=settings.EXPORT_DAYS)
        file.save(update_fields=["expires_at"])
        if self.keeps_converted and self.is_converted(job):
            task_queue.enqueue_task(FINISH_TASK)
        rows = file.pieces.aggregate(rows=Sum("rows"))["rows"] or 0
        record_event(
            self.made_event,
            actor=transitions.job_initiator(job),
            after={"rows": rows} | self.event_values(job),
            ticket=job.ticket,
            job_id=job.pk,
        )

    def links(self, job: Job, viewer: Any) -> list[JobLink]:
        found = bulk_job_links(job, viewer)
        file = Export.objects.filter(
            job=job,
            removed_at=None,
            expires_at__gt=current_time(),
        ).first()
        if file and viewer.pk == job.by_id and self.may_download(viewer):
            found.append(JobLink(f"/exports/{file.pk}/file/", "Download", "download"))
        return found

    def layout(self, export: Export, rows: int) -> FileLayout:
        """Returns what is around the rows, if these are the file."""
        parameters = export.job.parameters
        file_format = parameters.get("format")
        if file_format == "csv":
            marked = export.pieces.filter(marked=True).exists()
            return csv_layout(self.headings(export.job), parameters, marked=marked)
        return scim_layout(rows) if file_format == "scim" else FileLayout()

    def is_converted(self, job: Job) -> bool:
        """Returns whether the file is made of the rows by `convert_rows`."""
        return False

    def convert_rows(self, export: Export) -> IO[bytes] | None:
        """Returns an open file to send instead of the stored rows. None: the rows are the file."""
        return None

    def may_download(self, viewer: Any) -> bool:
        return access.may(viewer, "export") and access.may(viewer, self.view_action)


def file_job(export: Export) -> FileJob:
    """Returns the kind of the job that writes the file."""
    kind = KINDS[export.job.kind]
    assert isinstance(kind, FileJob)  # noqa: S101  only these create exports
    return kind


def file_job_names() -> list[str]:
    """Returns the names of all kinds of jobs that write files."""
    return [name for name, kind in KINDS.items() if isinstance(kind, FileJob)]
