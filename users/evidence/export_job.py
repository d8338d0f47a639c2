"""The job that writes the events of a filter of the audit trail to a file."""

from typing import Any

from django.conf import settings

from users import access, masking
from users.audit.models import AuditEvent
from users.bulk.selection_kind import filter_window
from users.evidence.event_rows import EVENT_HEADINGS, event_lines
from users.evidence.frozen_filter import (
    count_events_up_to,
    filter_words,
    matching_events,
    thaw_filter,
)
from users.exceptions import BadParameter, JobRefused
from users.jobs import engine
from users.jobs.kinds import Chunk, IdWindow
from users.jobs.models import Job
from users.jobs.transitions import job_initiator
from users.transfer.export_rows import EXPORT_FORMATS
from users.transfer.file_job import FileJob

NO_EVENTS = "No events match."
# The IDs that one statement reads, since most filters have no index in the order of IDs.
WIDEST_SPAN = 200_000


class ExportEvents(FileJob):
    """Writes events to a file that only the person who exports can download. Its IDs are those of
    events.
    """

    name = "export-events"
    label = "Export audit events"
    action = "export"
    unit = "event"
    max_chunk_size = 5000
    file_name = "audit"
    view_action = "view_audit"
    made_event = "audit.exported"

    def title(self, job: Job) -> str:
        return f"Export {self.account_count_words(job)}"

    def headings(self, job: Job) -> list[str]:
        return EVENT_HEADINGS

    def column_labels(self, job: Job) -> list[str]:
        return ["Audit trail"]

    def facts(self, job: Job) -> list[tuple[str, str]]:
        return [("Format", EXPORT_FORMATS.get(job.parameters.get("format", ""), ""))]

    def accounts_url(self, job: Job, viewer: Any) -> str:
        """Returns "" too if the filter names what is masked for the viewer."""
        if not access.may(viewer, "view_audit"):
            return ""
        try:
            masked = masking.hides_personal_data(viewer)
            return thaw_filter(job.selection, masked=masked).url()
        except BadParameter:
            return ""

    def window(self, job: Job, size: int) -> IdWindow:
        """Raises access.Denied if the person may no longer see the audit trail."""
        access.require(job_initiator(job), self.view_action)
        masked = is_masked_for(job)
        events = matching_events(job.selection, masked=masked)
        return filter_window(events, job, size, WIDEST_SPAN)

    def count(self, job: Job, limit: int) -> int:
        masked = is_masked_for(job)
        return count_events_up_to(job.selection, job.up_to, limit, masked=masked)

    def fingerprint(self, job: Job) -> tuple[int, str]:
        """Returns the number of events, and the filter. Events are only added, above `up_to`."""
        events = matching_events(job.selection, masked=is_masked_for(job))
        number = events.filter(pk__lte=job.up_to).count()
        return number, f"{job.up_to}:{job.selection}"

    def run(self, chunk: Chunk) -> None:
        """Writes one chunk with the person's current permissions."""
        masked = masking.hides_personal_data(chunk.by)
        events = AuditEvent.objects.filter(pk__among=chunk.ids).order_by("pk")
        shown = map(masking.mask_event, events) if masked else events
        rows = list(event_lines(shown, chunk.job.parameters["format"]))
        self.store_rows(chunk, rows, masked=masked)
        chunk.unchanged(len(chunk.ids))


def start_event_export(query: str, *, by: Any, file_format: str, reason: str, key: str = "") -> Job:
    """Starts the export of the events that match a frozen filter now. Raises access.Denied or
    JobRefused.
    """
    access.require(by, "view_audit")
    newest = newest_event_id()
    masked = masking.hides_personal_data(by)
    if not count_events_up_to(query, newest, limit=1, masked=masked):
        raise JobRefused(NO_EVENTS)
    return engine.start_job(
        ExportEvents.name,
        by=by,
        selection=query,
        words=filter_words(query, masked=masked),
        up_to=newest,
        reason=reason,
        parameters={"format": file_format},
        key=key,
    )


def is_masked_for(job: Job) -> bool:
    """Returns whether the filter of a job must not reveal personal data."""
    return masking.hides_personal_data(job_initiator(job))


def newest_event_id() -> int:
    return AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def explain_export() -> str:
    return (
        "Creates a file with one row per event that only you can download. "
        f"It is kept for {settings.EXPORT_DAYS} days."
    )
