"""The bulk action that writes accounts to a file, chunk by chunk. It does not change accounts."""

from datetime import datetime
from typing import IO, Any

from django import forms
from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import QueryDict

from users import masking
from users.audit.actions import register_values
from users.bulk.account_locks import ACCOUNT_GONE, plain_accounts
from users.bulk.action import BulkAction
from users.bulk.forms import BulkForm
from users.bulk.selection_kind import filter_window, filtered_accounts
from users.directory import preferences
from users.jobs.kinds import Chunk, IdWindow
from users.jobs.models import Job
from users.jobs.transitions import initiator_account
from users.transfer.exports import formatting, piece_store
from users.transfer.exports.file_job import FileJob
from users.transfer.exports.file_layout import WITHOUT_BOM
from users.transfer.exports.workbook import pack_workbook
from users.transfer.models import Export
from users.web.forms import reason_field

MASKED_NOTE = "Addresses and phone numbers are masked in the file, as they are for you."
FORMAT_NOTE = (
    "Every format can be imported again. In CSV, values that begin with = + - or @ get an "
    "apostrophe in front, which an import removes."
)
# IDs that one statement scans for changed accounts, which no index has in the order of IDs.
WIDEST_SPAN = 200_000


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
        choices=list(formatting.ACCOUNT_FORMATS.items()),
        label="Format",
        help_text=FORMAT_NOTE,
    )
    separator = forms.ChoiceField(
        required=False,
        choices=list(formatting.CSV_SEPARATORS.items()),
        label="Separator",
        help_text="CSV only. Excel expects semicolons where decimals have a comma.",
    )
    bom = forms.ChoiceField(
        required=False,
        choices=[("", "Yes"), (WITHOUT_BOM, "No")],
        label="Byte order mark",
        help_text="CSV only. Excel needs it to read accents; some programs don’t expect it.",
    )
    reason = reason_field(label="Purpose", help_text="Visible in the audit trail.")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.initial.setdefault("columns", ["name", *preferences.preferred_columns(self.by)])
        if masking.hides_personal_data(self.by):
            self.fields["columns"].help_text = MASKED_NOTE

    def parameters(self) -> dict[str, Any]:
        """Returns the parameters without options that have their usual value."""
        return {name: value for name, value in super().parameters().items() if value}


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
    # A chunk is in memory several times.
    max_chunk_size = 10_000
    file_name = "accounts"
    view_action = "view"
    made_event = "export.made"
    keeps_converted = True

    @property
    def explanation(self) -> str:  # type: ignore[override]
        return (
            "Creates a file with one row per account that only you can download. "
            f"It is kept for {settings.EXPORT_DAYS} days."
        )

    def requires_sudo(self, by: Any) -> bool:
        """Returns whether the file would hold personal data."""
        return not masking.hides_personal_data(by)

    def allows_tokens(self) -> bool:
        # Only the person can download the file, on a page, and has to confirm who they are before
        # one with personal data is made.
        return False

    def headings(self, job: Job) -> list[str]:
        return formatting.file_headings(job_columns(job))

    def column_labels(self, job: Job) -> list[str]:
        return [formatting.EXPORT_COLUMNS[name].label for name in job_columns(job)]

    def event_values(self, job: Job) -> dict[str, Any]:
        return {"columns": job_columns(job)}

    def facts(self, job: Job) -> list[tuple[str, str]]:
        form = formatting.ACCOUNT_FORMATS.get(job.parameters.get("format", ""), "")
        return [("Columns", ", ".join(self.column_labels(job))), ("Format", form)]

    def window(self, job: Job, size: int) -> IdWindow:
        since = changed_since(job)
        if since is None:
            return super().window(job, size)
        accounts = filtered_accounts(QueryDict(job.selection), initiator_account(job))
        return filter_window(accounts.filter(since), job, size, WIDEST_SPAN)

    def selected_ids(self, job: Job) -> QuerySet:
        """Returns the ids of the accounts; those that have changed, in an incremental export."""
        found = super().selected_ids(job)
        since = changed_since(job)
        return found if since is None else found.filter(since)

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
        lines = formatting.row_writer(chunk.job.parameters, names)
        rows = piece_store.encode_rows(formatting.written_rows(shown, names, lines.line))
        self.store_rows(chunk, rows, masked=masked, marked=lines.guarded)
        chunk.unchanged(len(rows))

    def is_converted(self, job: Job) -> bool:
        return job.parameters.get("format") == "xlsx"

    def convert_rows(self, export: Export) -> IO[bytes] | None:
        """Returns the workbook."""
        if not self.is_converted(export.job):
            return None
        rows = piece_store.read_export(export)
        made_at = export.job.ended_at or export.job.created_at
        return pack_workbook(rows, self.headings(export.job), made_at)


def job_columns(job: Job) -> list[str]:
    """Returns the columns of the job's file."""
    parameters = job.parameters
    return formatting.chosen_columns(parameters.get("columns"), parameters.get("format", ""))


def changed_since(job: Job) -> Q | None:
    """Returns the condition of an incremental export; None for a whole one, and for the accounts
    that failed in another job. The state of an account also changes when a suspension or the
    account ends, without a write.
    """
    if "changed_since" not in job.parameters or "job" in QueryDict(job.selection):
        return None
    since = datetime.fromisoformat(job.parameters["changed_since"])
    written = Q(updated_at__gte=since) | Q(date_joined__gte=since)
    ended = Q(valid_until__range=(since, job.as_of))
    return written | ended | Q(suspended_until__range=(since, job.as_of))
