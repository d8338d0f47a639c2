"""The import of a file that was checked: a job over its stored rows. A chunk stores its accounts,
their events and items, and the outcomes of its rows in one transaction.
"""

from typing import Any

from django.db import transaction

from users import access
from users.bulk.undo_rules import bulk_job_links
from users.database.row_writes import insert_values
from users.exceptions import JobRefused
from users.formats import ImportRecord
from users.jobs import engine
from users.jobs.kinds import (
    Chunk,
    IdWindow,
    JobLink,
)
from users.jobs.models import Job, JobItem
from users.jobs.transitions import job_initiator
from users.transfer.imports.check_job import lock_file, refuse_unavailable
from users.transfer.imports.column_mapping import ColumnMapping, ImportRow
from users.transfer.imports.file_rows_job import (
    ACTION,
    FileRowsJob,
    chunk_names,
    file_mapping,
    job_file,
    job_rules,
    reject_row,
    rows_after,
)
from users.transfer.imports.import_rights import require_rights
from users.transfer.imports.line_index import LineIndex
from users.transfer.imports.outcomes import (
    CREATED,
    UPDATED,
    RowOutcome,
)
from users.transfer.imports.rules import ImportRules
from users.transfer.imports.run import store_rows
from users.transfer.imports.storage import drop_pieces, import_deadline
from users.transfer.imports.stored_rows import (
    FIRST_PASSWORDS,
    add_up_counts,
    read_records,
    rejected_between,
)
from users.transfer.imports.waiting_rows import retry_waiting_rows
from users.transfer.models import ImportFile, ImportPiece

NOT_CHECKED = "Check the file first: its rules have changed since, or the check was cancelled."
NOTHING_TO_IMPORT = "No account would be created or updated."
ITEM_COLUMNS = ("account_id", "before", "version")
Stage = ImportPiece.Stage


class ImportAccounts(FileRowsJob):
    """Creates and updates accounts from the rows of a file."""

    name = "import-accounts"
    label = "Import accounts"
    stage = Stage.IMPORTED
    approval_rule = "above"
    finished_code = "imported"
    listed_outcomes = (JobItem.Outcome.CHANGED,)

    def title(self, job: Job) -> str:
        return f"Import {self.account_count_words(job)} from {job.words}"

    def account_count(self, job: Job) -> int | None:
        return job.selected if job.state == Job.State.DONE else job.expected

    def changed_accounts(self, job: Job) -> int:
        updated = int(job.parameters["planned"]["updated"])
        return min(updated, job.changed) if job.state == Job.State.CANCELLED else updated

    def count_labels(self) -> dict[str, str]:
        return {
            "changed": "Created or updated",
            "skipped": "Rejected",
            "failed": "",
        }

    def facts(self, job: Job) -> list[tuple[str, str]]:
        """Returns what the check has found, for the person who approves the job."""
        found = job.parameters["planned"]
        facts = [
            ("New accounts", f"{found['created']:,}"),
            ("Updated accounts", f"{found['updated']:,}"),
            ("Rejected rows", f"{found['rejected']:,}"),
        ]
        if passwords := found.get(FIRST_PASSWORDS):
            facts.append(("First passwords of existing accounts", f"{passwords:,}"))
        return facts

    def links(self, job: Job, viewer: Any) -> list[JobLink]:
        return bulk_job_links(job, viewer) + super().links(job, viewer)

    def started(self, job: Job) -> None:
        """Removes the outcomes of an import that was cancelled."""
        drop_pieces(job_file(job), Stage.IMPORTED)

    def window(self, job: Job, size: int) -> IdWindow:
        """Raises access.Denied if the person may no longer import with the rules."""
        require_rights(job_initiator(job), job_rules(job))
        return rows_after(job, size)

    def chunk_records(self, file: ImportFile, ids: list[int]) -> list[ImportRecord]:
        return read_records(file, ids[0], ids[-1])

    def run(self, chunk: Chunk) -> None:
        file = job_file(chunk.job)
        mapping = file_mapping(file, job_rules(chunk.job))
        records = self.chunk_records(file, chunk.ids)
        rows = [mapping.row(record) for record in records]
        rows = reject_as_checked(file, chunk.ids, rows)
        outcomes = self.apply_rows(
            chunk.job,
            file,
            mapping,
            rows,
            chunk.by,
        )
        names = chunk_names(file, chunk.ids, rows)
        self.store_outcomes(
            chunk,
            file,
            records,
            outcomes,
            names=names,
        )

    def apply_rows(
        self,
        job: Job,
        file: ImportFile,
        mapping: ColumnMapping,
        rows: list[ImportRow],
        by: Any,
    ) -> list[RowOutcome]:
        outcomes = store_rows(
            rows,
            mapping,
            job_rules(job),
            by,
            ChunkLines(),
            job_id=job.pk,
        )
        write_items(job, outcomes)
        return outcomes

    def ended(self, job: Job) -> None:
        """Stores the totals. Only the rejected rows stay."""
        file = job_file(job)
        retry_waiting_rows(self, job, file)
        drop_pieces(file, Stage.ROWS, Stage.CHECKED)
        file.totals = add_up_counts(file, Stage.IMPORTED)
        file.sample = []
        file.expires_at = import_deadline()
        file.save(update_fields=["totals", "sample", "expires_at"])


class ChunkLines(LineIndex):
    """The lines of one chunk. The check has found what rows of different chunks have in common."""

    def read(self, digests: list[int]) -> dict[int, int]:
        return {}

    def write(self, lines: dict[int, int]) -> None:
        """Stores nothing: the database has the names of earlier rows."""


def reject_as_checked(file: ImportFile, ids: list[int], rows: list[ImportRow]) -> list[ImportRow]:
    """Returns the rows. Those that do not fit their file have the problem that the check has found,
    such as an earlier row about the same account.
    """
    rejected = rejected_between(file, ids[0], ids[-1])
    checked = []
    for number, row in zip(ids, rows, strict=True):
        found = rejected.get(number)
        checked.append(reject_row(row, found.reason) if found and found.misfit else row)
    return checked


def write_items(job: Job, outcomes: list[RowOutcome]) -> None:
    """Writes an item for each created or updated account. The before-image of a created one is
    empty.
    """
    changed = [outcome for outcome in outcomes if outcome.kind in (CREATED, UPDATED)]
    rows = [(each.account_id, each.before or {}, each.version) for each in changed]
    constants = {
        "job_id": job.pk,
        "outcome": JobItem.Outcome.CHANGED.value,
        "reason": "",
        "code": "",
    }
    insert_values(
        JobItem,
        ITEM_COLUMNS,
        rows,
        constants,
    )


def start_import(
    file: ImportFile,
    *,
    by: Any,
    reason: str = "",
    ticket: str = "",
    key: str = "",
) -> Job:
    """Starts the import of a checked file with the rules of its check, and returns the job. Raises
    access.Denied or JobRefused.
    """
    access.require(by, ACTION)
    with transaction.atomic():
        if existing := engine.lock_and_find_job(by, key):
            return existing
        file = lock_file(file)
        refuse_unavailable(file)
        require_check(file)
        require_rights(by, ImportRules.from_json(file.rules))
        job = engine.start_job(
            ImportAccounts.name,
            by=by,
            words=file.name,
            up_to=file.rows or 0,
            expected=file.rows,
            planned=file.totals["created"] + file.totals["updated"],
            reason=reason,
            ticket=ticket,
            parameters={"file": file.pk, "rules": file.rules, "planned": file.totals},
            key=key,
        )
        file.job = job
        file.save(update_fields=["job"])
    return job


def require_check(file: ImportFile) -> None:
    """Raises JobRefused unless the newest check has found something to import."""
    check = file.check_job
    is_done = check is not None and check.state == Job.State.DONE
    if check is None or not is_done or check.parameters["rules"] != file.rules:
        raise JobRefused(NOT_CHECKED)
    if file.problem:
        raise JobRefused(f"The file can’t be read to its end: {file.problem}")
    if not file.totals["created"] + file.totals["updated"]:
        raise JobRefused(NOTHING_TO_IMPORT)
