"""The bulk action that writes a Rollcall archive: accounts with their password hashes, to move them
to another installation. A second person must always approve it.
"""

import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import is_password_usable

from users import access
from users.bulk.account_locks import ACCOUNT_GONE, find_refusal_reasons, plain_accounts
from users.bulk.action import BulkAction
from users.bulk.forms import BulkForm
from users.database.clock import utc_second_text
from users.formats.rollcall_archive import (
    ARCHIVE_COLUMNS,
    ARCHIVE_KEY,
    ARCHIVE_VERSION,
)
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.models import State
from users.role_grants import memberships_in_effect
from users.transfer.exports import piece_store
from users.transfer.exports.file_job import FileJob
from users.transfer.exports.file_layout import FileLayout
from users.transfer.exports.formatting import ARCHIVE_FORMAT, json_line
from users.transfer.models import Export
from users.web.forms import reason_field

# The keys of an account that are not columns of the database.
OTHER_COLUMNS = {
    "password_hash": "password",
    "email_verified": "email_verified_at",
    "email_bounced": "email_bounced_at",
    "joined": "date_joined",
    "last_seen": "last_seen_at",
}
SERVICE_LEFT_OUT = "This is a service account. Create another one where the archive is imported."
# An import can't create these accounts.
LEFT_OUT = {
    State.DELETED: "The account is deleted. Restore it to archive it.",
    State.ERASED: "The account is erased.",
}
ACCOUNT_FIELDS = {OTHER_COLUMNS.get(name, name) for name in ARCHIVE_COLUMNS} - {"groups"}


class ArchiveForm(BulkForm):
    """The purpose of an archive."""

    reason = reason_field(label="Purpose", help_text="Visible in the audit trail.")


class ExportArchive(FileJob, BulkAction):
    """Writes the selected accounts to an archive. Accounts that outrank the person are left out:
    whoever has a hash can guess the password.
    """

    name = "export-archive"
    label = "Export archive"
    action = "export_hashes"
    event = ""
    slug = "archive"
    position = 41
    menu = "Move"
    approval_rule = "always"
    outcome_phrase = "in the archive"
    question_format = "Export an archive of {}?"
    icon = "download"
    form = ArchiveForm
    changes_accounts = False
    # A chunk is in memory several times.
    max_chunk_size = 5_000
    file_name = "rollcall"
    view_action = "export_hashes"
    made_event = "export.archive_made"

    @property
    def explanation(self) -> str:  # type: ignore[override]
        return (
            "Creates a file with all data of the accounts and their password hashes, which "
            "another Rollcall can import. Only you can download it. "
            f"It is kept for {settings.EXPORT_DAYS} days."
        )

    def started(self, job: Job) -> None:
        job.parameters = {"format": ARCHIVE_FORMAT}
        job.save(update_fields=["parameters"])
        super().started(job)

    def headings(self, job: Job) -> list[str]:
        return list(ARCHIVE_COLUMNS)

    def column_labels(self, job: Job) -> list[str]:
        return ["All data with password hashes"]

    def facts(self, job: Job) -> list[tuple[str, str]]:
        return [("Contents", "All data of the accounts, with password hashes")]

    def layout(self, export: Export, rows: int) -> FileLayout:
        """Returns the first line, by which a reader knows whether an archive is complete."""
        made_at = export.job.ended_at or export.job.created_at
        head = {
            ARCHIVE_KEY: ARCHIVE_VERSION,
            "made_at": utc_second_text(made_at),
            "accounts": rows,
            "attributes": export.attribute_names or [],
        }
        return FileLayout(header=json_line(head).encode())

    def run(self, chunk: Chunk) -> None:
        """Writes one chunk. Raises access.Denied if the person may no longer see its data."""
        access.require(chunk.by, "view_personal")
        accounts = plain_accounts().filter(pk__among=chunk.ids).order_by("pk")
        skipped = find_refusal_reasons(accounts, by=chunk.by, action=self.action)
        # Its owner and its tokens are of this Rollcall; elsewhere it would be a person.
        services = accounts.filter(owner_id__isnull=False).values_list("pk", flat=True)
        skipped |= dict.fromkeys(services, SERVICE_LEFT_OUT)
        rows = list(accounts.values("id", "attributes", *ACCOUNT_FIELDS))
        for gone in set(chunk.ids) - {row["id"] for row in rows}:
            skipped[gone] = ACCOUNT_GONE
        for row in rows:
            if reason := LEFT_OUT.get(row["status"]):
                skipped[row["id"]] = reason
        for pk, reason in skipped.items():
            chunk.skipped(pk, reason)
        kept = [row for row in rows if row["id"] not in skipped]
        groups = member_roles([row["id"] for row in kept])
        lines = [(row["id"], archive_line(row, groups.get(row["id"], []))) for row in kept]
        self.store_rows(chunk, piece_store.encode_rows(lines), masked=False)
        store_attribute_names(chunk.job.export, kept)
        chunk.unchanged(len(kept))


def member_roles(ids: list[int]) -> dict[int, list[str]]:
    """Returns the names of the roles of accounts, by the ID of the account."""
    members = memberships_in_effect().filter(user_id__in=ids).order_by("group__name")
    names: dict[int, list[str]] = {}
    for user_id, name in members.values_list("user_id", "group__name"):
        names.setdefault(user_id, []).append(name)
    return names


def archive_line(row: dict[str, Any], groups: list[str]) -> str:
    """Returns an account as a line of an archive. `row`: its columns in the database."""
    values = {name: row.get(OTHER_COLUMNS.get(name, name)) for name in ARCHIVE_COLUMNS}
    if not is_password_usable(row["password"]):
        values["password_hash"] = ""
    values["groups"] = groups
    values["attributes"] = row["attributes"]
    return json.dumps(values, ensure_ascii=False, default=datetime.isoformat) + "\n"


def store_attribute_names(export: Export, rows: list[dict[str, Any]]) -> None:
    """Stores the names of the attributes of these accounts with those of earlier chunks."""
    known = dict.fromkeys(export.attribute_names or [])
    number = len(known)
    for row in rows:
        known.update(dict.fromkeys(row["attributes"]))
    if len(known) > number:
        export.attribute_names = list(known)
        Export.objects.filter(pk=export.pk).update(attribute_names=export.attribute_names)
