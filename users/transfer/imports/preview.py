"""The preview of an import: what its rules would do with the first rows. Nothing is stored."""

from contextlib import closing
from datetime import datetime
from typing import Any, NamedTuple

from users import masking
from users.formats.access_fields import RowPassword
from users.identifiers import flag_text
from users.models import User
from users.transfer.imports.column_mapping import ColumnMapping, ImportRow
from users.transfer.imports.line_index import TemporaryLineIndex
from users.transfer.imports.mapping_form import shorten_sample
from users.transfer.imports.outcomes import (
    AMBIGUOUS,
    CREATED,
    REJECTED,
    UNCHANGED,
    UPDATED,
    RowOutcome,
)
from users.transfer.imports.rules import ImportRules
from users.transfer.imports.run import store_rows
from users.transfer.imports.stored_rows import WAITING, stored_record
from users.transfer.imports.target_labels import target_label
from users.transfer.models import ImportFile
from users.web.time_html import full_time_text

PREVIEW_ROWS = 20
OUTCOME_LABELS = {
    CREATED: "New account",
    UPDATED: "Update",
    UNCHANGED: "No change",
    REJECTED: "Rejected",
    AMBIGUOUS: "Ambiguous",
    WAITING: "Decided later",
}
WAITING_REASON = (
    "Another account has one of these names now. A later row may change it, so the check decides."
)


class PreviewRow(NamedTuple):
    """One row of the file, and its expected outcome."""

    line: int
    kind: str
    label: str
    # The account that the row is about, if it exists.
    account: User | None
    # Labels and values.
    values: list[tuple[str, str]]
    reason: str


def preview_rows(
    file: ImportFile,
    mapping: ColumnMapping,
    rules: ImportRules,
    by: Any,
) -> list[PreviewRow]:
    """Returns the first rows with their outcomes. Raises access.Denied."""
    sample = file.sample[:PREVIEW_ROWS]
    rows = [mapping.row(stored_record(file, line)) for line in sample]
    with closing(TemporaryLineIndex()) as lines:
        outcomes = store_rows(
            rows,
            mapping,
            rules,
            by,
            lines,
            dry_run=True,
        )
    accounts = existing_accounts(outcomes, by)
    shown = []
    for row, outcome in zip(rows, outcomes, strict=True):
        preview = preview_row(row, outcome, accounts)
        # Only updates free a name.
        if outcome.is_waiting and rules.updates:
            preview = preview._replace(
                kind=WAITING,
                label=OUTCOME_LABELS[WAITING],
                reason=WAITING_REASON,
            )
        shown.append(preview)
    return shown


def existing_accounts(outcomes: list[RowOutcome], by: Any) -> dict[int, User]:
    """Returns the accounts that the rows are about, by ID. An account that a dry run created is
    none of them.
    """
    ids = [each.account_id for each in outcomes if each.account_id and each.kind != CREATED]
    found = list(User.objects.filter(pk__in=ids).order_by())
    return {account.pk: account for account in masking.mask_accounts(found, by)}


def preview_row(row: ImportRow, outcome: RowOutcome, accounts: dict[int, User]) -> PreviewRow:
    return PreviewRow(
        line=row.line,
        kind=outcome.kind,
        label=OUTCOME_LABELS[outcome.kind],
        account=accounts.get(outcome.account_id or 0),
        values=shown_values(row),
        reason=outcome.reason,
    )


def shown_values(row: ImportRow) -> list[tuple[str, str]]:
    """Returns the labels and texts of the values of a row. Passwords are not shown."""
    values = [*row.values.items(), *row.access.items()]
    shown = [(target_label(name), value_text(value)) for name, value in values]
    shown += row.attributes.items()
    return [(label, shorten_sample(text)) for label, text in shown if text]


def value_text(value: Any) -> str:
    """Returns a normalised value as text; the kind of a password."""
    if isinstance(value, RowPassword):
        return value.kind or value.problem
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, datetime):
        return full_time_text(value)
    if isinstance(value, bool):
        return flag_text(value)
    return str(value or "")
