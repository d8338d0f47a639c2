"""The bulk action that writes accounts to a file, chunk by chunk. It does not change accounts."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings

from users import access, masking
from users.audit.actions import register_values
from users.audit.record import record_event
from users.bulk.account_locks import ACCOUNT_GONE, plain_accounts
from users.bulk.action import BulkAction
from users.bulk.forms import BulkForm
from users.database.clock import current_time
from users.directory import preferences
from users.jobs import transitions
from users.jobs.kinds import Chunk, JobLink
from users.jobs.models import Job
from users.transfer import export_rows, export_store
from users.transfer.models import Export as File
from users.transfer.models import ExportPiece
from users.web.forms import reason_field

MASKED_NOTE = "Addresses and phone numbers are masked in the file, as they are for you."
CSV_NOTE = (
    "Open CSV in Excel, or import it again. Values that begin with = + - or @ get an apostrophe in "
    "front, which an import removes."
)


register_values("columns", {name: each.label for name, each in export_rows.EXPORT_COLUMNS.items()})


class ExportForm(BulkForm):
    """The columns, the format and the purpose of an export."""

    columns = forms.MultipleChoiceField(
        choices=[(name, column.label) for name, column in export_rows.EXPORT_COLUMNS.items()],
        widget=forms.CheckboxSelectMultiple,
        label="Columns",
        error_messages={
            "invalid_choice": "There is no column “%(value)s”.",
            "required": "Choose at least one column.",
        },
    )
    format = forms.ChoiceField(
        choices=list(export_rows.EXPORT_FORMATS.items()),
        label="Format",
        help_text=CSV_NOTE,
    )
    reason = reason_field(label="Purpose", help_text="Visible in the audit trail.")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.initial.setdefault("columns", ["name", *preferences.preferred_columns(self.by)])
        if masking.hides_personal_data(self.by):
            self.fields["columns"].help_text = MASKED_NOTE


class ExportAccounts(BulkAction):
    """Writes the selected accounts to a file that only the person who exports can download."""

    name = "export"
    label = "Export"
    action = "export"
    event = ""
    slug = "export"
    position = 40
    in_bar = True
    outcome_phrase = "in the file"
    icon = "download"
    form = ExportForm
    changes_accounts = False
    finished_code = "written"

    @property
    def explanation(self) -> str:  # type: ignore[override]
        return (
            "Creates a file with one row per account that only you can download. "
            f"It is kept for {settings.EXPORT_DAYS} days."
        )

    def account_count(self, job: Job) -> int | None:
        return job.unchanged if job.state == Job.State.DONE else job.expected

    def facts(self, job: Job) -> list[tuple[str, str]]:
        names = export_rows.chosen_columns(job.parameters.get("columns"))
        columns = ", ".join(export_rows.EXPORT_COLUMNS[name].label for name in names)
        form = export_rows.EXPORT_FORMATS.get(job.parameters.get("format", ""), "")
        return [("Columns", columns), ("Format", form)]

    def count_labels(self) -> dict[str, str]:
        return {"changed": "", "unchanged": "Written"}

    def started(self, job: Job) -> None:
        File.objects.create(job=job)

    def run(self, chunk: Chunk) -> None:
        """Writes one chunk with the person's current permissions: personal data is masked as soon
        as they lose the permission to see it.
        """
        file = chunk.job.export
        masked = masking.hides_personal_data(chunk.by)
        names = export_rows.chosen_columns(chunk.job.parameters.get("columns"))
        found = plain_accounts().filter(pk__among=chunk.ids).order_by("pk")
        values = found.values(*export_rows.fields_needed(names))
        accounts = [export_rows.account_from_values(row) for row in values]
        for gone in set(chunk.ids) - {account.pk for account in accounts}:
            chunk.skipped(gone, ACCOUNT_GONE)
        shown = masking.mask_accounts(accounts, chunk.by)
        lines = export_rows.file_rows(shown, names, chunk.job.parameters["format"])
        rows = export_store.encode_rows(lines)
        if rows:
            ExportPiece.objects.create(
                export=file,
                masked=masked,
                **export_store.pack_rows(rows),
            )
        chunk.unchanged(len(rows))

    def ended(self, job: Job) -> None:
        file = job.export
        file.expires_at = current_time() + timedelta(days=settings.EXPORT_DAYS)
        file.save(update_fields=["expires_at"])
        rows, _ = export_rows.measure_file(file)
        columns = export_rows.chosen_columns(job.parameters.get("columns"))
        record_event(
            "export.made",
            actor=transitions.job_initiator(job),
            after={"rows": rows, "columns": columns},
            ticket=job.ticket,
            job_id=job.pk,
        )

    def links(self, job: Job, viewer: Any) -> list[JobLink]:
        found = super().links(job, viewer)
        file = File.objects.filter(
            job=job,
            removed_at=None,
            expires_at__gt=current_time(),
        ).first()
        if file and viewer.pk == job.by_id and access.may(viewer, "export"):
            found.append(JobLink(f"/exports/{file.pk}/file/", "Download", "download"))
        return found
