"""The bulk action that writes accounts to a file, chunk by chunk. It does not change accounts."""

from typing import Any

from django import forms
from django.conf import settings

from users import masking
from users.audit.actions import register_values
from users.bulk.account_locks import ACCOUNT_GONE, plain_accounts
from users.bulk.action import BulkAction
from users.bulk.forms import BulkForm
from users.directory import preferences
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.transfer.exports import formatting, piece_store
from users.transfer.exports.file_job import FileJob
from users.web.forms import reason_field

MASKED_NOTE = "Addresses and phone numbers are masked in the file, as they are for you."
CSV_NOTE = (
    "Open CSV in Excel, or import it again. Values that begin with = + - or @ get an apostrophe in "
    "front, which an import removes."
)


register_values("columns", {name: each.label for name, each in formatting.EXPORT_COLUMNS.items()})


class ExportForm(BulkForm):
    """The columns, the format and the purpose of an export."""

    columns = forms.MultipleChoiceField(
        choices=[(name, column.label) for name, column in formatting.EXPORT_COLUMNS.items()],
        widget=forms.CheckboxSelectMultiple,
        label="Columns",
        error_messages={
            "invalid_choice": "There is no column “%(value)s”.",
            "required": "Choose at least one column.",
        },
    )
    format = forms.ChoiceField(
        choices=list(formatting.EXPORT_FORMATS.items()),
        label="Format",
        help_text=CSV_NOTE,
    )
    reason = reason_field(label="Purpose", help_text="Visible in the audit trail.")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.initial.setdefault("columns", ["name", *preferences.preferred_columns(self.by)])
        if masking.hides_personal_data(self.by):
            self.fields["columns"].help_text = MASKED_NOTE


class ExportAccounts(FileJob, BulkAction):
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
    file_name = "accounts"
    view_action = "view"
    made_event = "export.made"

    @property
    def explanation(self) -> str:  # type: ignore[override]
        return (
            "Creates a file with one row per account that only you can download. "
            f"It is kept for {settings.EXPORT_DAYS} days."
        )

    def headings(self, job: Job) -> list[str]:
        return formatting.file_headings(job_columns(job))

    def column_labels(self, job: Job) -> list[str]:
        return [formatting.EXPORT_COLUMNS[name].label for name in job_columns(job)]

    def event_values(self, job: Job) -> dict[str, Any]:
        return {"columns": job_columns(job)}

    def facts(self, job: Job) -> list[tuple[str, str]]:
        form = formatting.EXPORT_FORMATS.get(job.parameters.get("format", ""), "")
        return [("Columns", ", ".join(self.column_labels(job))), ("Format", form)]

    def run(self, chunk: Chunk) -> None:
        """Writes one chunk with the person's current permissions: personal data is masked as soon
        as they lose the permission to see it.
        """
        masked = masking.hides_personal_data(chunk.by)
        names = job_columns(chunk.job)
        found = plain_accounts().filter(pk__among=chunk.ids).order_by("pk")
        values = found.values(*formatting.fields_needed(names))
        accounts = [formatting.account_from_values(row) for row in values]
        for gone in set(chunk.ids) - {account.pk for account in accounts}:
            chunk.skipped(gone, ACCOUNT_GONE)
        shown = masking.mask_accounts(accounts, chunk.by)
        lines = formatting.file_rows(shown, names, chunk.job.parameters["format"])
        rows = piece_store.encode_rows(lines)
        self.store_rows(chunk, rows, masked=masked)
        chunk.unchanged(len(rows))


def job_columns(job: Job) -> list[str]:
    """Returns the columns of the job's file."""
    return formatting.chosen_columns(job.parameters.get("columns"))
