"""The job that writes the events of a filter of the audit trail to a file."""

from typing import IO, Any

from django.conf import settings

from users import access, masking
from users.audit.models import AuditEvent
from users.audit.tree.models import SignedCheckpoint
from users.audit.tree.proofs import latest_checkpoint
from users.bulk.selection_kind import filter_window
from users.evidence.bundle import (
    BUNDLE_FORMAT,
    EVENT_FORMATS,
    pack_rows_as_bundle,
    proven_rows,
)
from users.evidence.event_rows import EVENT_HEADINGS, event_lines
from users.evidence.stored_filter import (
    count_events_up_to,
    matching_events,
    parse_stored_filter,
    stored_words,
)
from users.exceptions import BadParameter, JobRefused
from users.identifiers import LARGEST_ID
from users.jobs import engine
from users.jobs.kinds import Chunk, IdWindow
from users.jobs.models import Job
from users.jobs.transitions import job_initiator
from users.transfer.exports.file_job import FileJob
from users.transfer.exports.piece_store import read_export
from users.transfer.models import Export

NO_EVENTS = "No events match."
NO_CHECKPOINT = "No signed checkpoint covers these events yet. Try again in a few minutes."
# A download packs the bundle in a web process: a second or two for so many.
MAX_BUNDLE_EVENTS = 20_000
NOT_COVERED = "Not covered by the bundle’s checkpoint."
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
    holds_accounts = False
    made_event = "audit.exported"

    def title(self, job: Job) -> str:
        return f"Export {self.account_count_words(job)}"

    def headings(self, job: Job) -> list[str]:
        return EVENT_HEADINGS

    def column_labels(self, job: Job) -> list[str]:
        return ["Audit trail"]

    def facts(self, job: Job) -> list[tuple[str, str]]:
        return [("Format", EVENT_FORMATS.get(job.parameters.get("format", ""), ""))]

    def accounts_url(self, job: Job, viewer: Any) -> str:
        """Returns "" too if the filter names what is masked for the viewer."""
        if not access.may(viewer, "view_audit"):
            return ""
        try:
            masked = masking.hides_personal_data(viewer)
            return parse_stored_filter(job.selection, masked=masked).url()
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
        """Returns the number of events, and the filter. Events are only added, above `up_to`, so
        they are counted once.
        """
        number = job.expected
        if number is None:
            number = self.count(job, LARGEST_ID)
        return number, f"{job.up_to}:{job.selection}"

    def run(self, chunk: Chunk) -> None:
        """Writes one chunk with the person's current permissions."""
        masked = masking.hides_personal_data(chunk.by)
        events = AuditEvent.objects.filter(pk__among=chunk.ids).order_by("pk")
        shown = map(masking.mask_event, events) if masked else events
        if is_bundle(chunk.job):
            access.require(chunk.by, "view_personal")
            rows = list(proven_rows(events, bundle_checkpoint(chunk.job)))
        else:
            rows = list(event_lines(shown, chunk.job.parameters["format"]))
        self.store_rows(chunk, rows, masked=masked)
        written = {pk for pk, _ in rows}
        for pk in chunk.ids:
            if pk not in written:
                chunk.skipped(pk, NOT_COVERED)
        chunk.unchanged(len(written))

    def is_converted(self, job: Job) -> bool:
        return is_bundle(job)

    def convert_rows(self, export: Export) -> IO[bytes] | None:
        """Returns the zip of an evidence bundle."""
        if not is_bundle(export.job):
            return None
        return pack_rows_as_bundle(read_export(export), bundle_checkpoint(export.job))


def start_event_export(query: str, *, by: Any, file_format: str, reason: str, key: str = "") -> Job:
    """Starts the export of the events that match a stored filter now. Raises access.Denied or
    JobRefused.
    """
    access.require(by, "view_audit")
    parameters: dict[str, Any] = {"format": file_format}
    newest = AuditEvent.objects.newest_id()
    if file_format == BUNDLE_FORMAT:
        access.require(by, "view_personal")
        checkpoint = latest_checkpoint()
        newest = covered_event_id(checkpoint)
        parameters["checkpoint"] = checkpoint.pk if checkpoint else None
    masked = masking.hides_personal_data(by)
    refuse_unsuitable_number(query, newest, file_format, masked=masked)
    return engine.start_job(
        ExportEvents.name,
        by=by,
        selection=query,
        words=stored_words(query, masked=masked),
        up_to=newest,
        reason=reason,
        parameters=parameters,
        key=key,
    )


def refuse_unsuitable_number(
    query: str,
    newest: int,
    file_format: str,
    *,
    masked: bool,
) -> None:
    """Raises JobRefused if no events match, or too many for a bundle."""
    is_zip = file_format == BUNDLE_FORMAT
    limit = MAX_BUNDLE_EVENTS + 1 if is_zip else 1
    number = count_events_up_to(query, newest, limit, masked=masked)
    if not number:
        raise JobRefused(NO_CHECKPOINT if is_zip else NO_EVENTS)
    if is_zip and number > MAX_BUNDLE_EVENTS:
        raise JobRefused(
            f"An evidence bundle can have up to {MAX_BUNDLE_EVENTS:,} events. Narrow the filter, "
            "or have an operator run manage.py audit_bundle."
        )


def is_bundle(job: Job) -> bool:
    return job.parameters.get("format") == BUNDLE_FORMAT


def bundle_checkpoint(job: Job) -> SignedCheckpoint:
    """Returns the checkpoint that the proofs of a bundle lead to."""
    return SignedCheckpoint.objects.get(pk=job.parameters["checkpoint"])


def covered_event_id(checkpoint: SignedCheckpoint | None) -> int:
    """Returns the ID of the last event that a checkpoint covers; 0 without a checkpoint."""
    if checkpoint is None:
        return 0
    last = AuditEvent.objects.filter(chain_position=checkpoint.size)
    return last.values_list("pk", flat=True).first() or 0


def is_masked_for(job: Job) -> bool:
    """Returns whether the filter of a job must not reveal personal data."""
    return masking.hides_personal_data(job_initiator(job))


def explain_export() -> str:
    return (
        "Creates a file with one row per event. "
        f"Only you can download it, for {settings.EXPORT_DAYS} days."
    )
