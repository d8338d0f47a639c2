"""The check of a file: a job that reads an upload to its end, stores its rows, and records what
the import would do. With other rules it is repeated over the stored rows.
"""

from typing import Any

from django.db import transaction

from users import access
from users.exceptions import JobRefused
from users.formats import ImportRecord
from users.identifiers import LARGEST_ID
from users.jobs import engine
from users.jobs.kinds import Chunk, IdWindow
from users.jobs.models import Job
from users.jobs.transitions import job_initiator
from users.transfer.imports.column_mapping import ColumnMapping, ImportRow
from users.transfer.imports.file_rows_job import (
    ACTION,
    FileRowsJob,
    chunk_names,
    file_mapping,
    job_file,
    job_rules,
    rows_after,
)
from users.transfer.imports.import_rights import require_rights
from users.transfer.imports.outcomes import RowOutcome
from users.transfer.imports.row_reader import RowReader
from users.transfer.imports.rules import ImportRules
from users.transfer.imports.run import store_rows
from users.transfer.imports.storage import (
    CONTENT_REMOVED,
    drop_pieces,
    import_deadline,
    refuse_while_used,
    without_secrets,
)
from users.transfer.imports.stored_lines import StoredLineIndex
from users.transfer.imports.stored_rows import (
    add_up_counts,
    read_records,
    write_row_piece,
)
from users.transfer.imports.waiting_rows import retry_waiting_rows
from users.transfer.models import ImportFile, ImportPiece

IMPORTED_ALREADY = "This file was imported by job {}. Upload it again to import it once more."
Stage = ImportPiece.Stage


class CheckImport(FileRowsJob):
    """Checks the rows of a file. It changes no account."""

    name = "check-import"
    label = "Check an import"
    stage = Stage.CHECKED
    finished_code = "checked"
    # Their results are on the page of the file.
    listed_outcomes = ()
    # The reader of this process.
    reader: RowReader | None = None

    def title(self, job: Job) -> str:
        return f"Check {job.words}"

    def count_labels(self) -> dict[str, str]:
        return {
            "changed": "To create or update",
            "skipped": "Rejected",
            "failed": "",
        }

    def started(self, job: Job) -> None:
        """Removes what an earlier check has stored."""
        drop_results(job)

    def cancelled(self, job: Job) -> None:
        drop_results(job)

    def window(self, job: Job, size: int) -> IdWindow:
        """Raises access.Denied if the person may no longer import with the rules."""
        require_rights(job_initiator(job), job_rules(job))
        if job.up_to < LARGEST_ID:
            return rows_after(job, size)
        reader = self.open_reader(job)
        records = reader.peek(size)
        ids = list(range(job.cursor + 1, job.cursor + 1 + len(records)))
        is_last = reader.ended and len(reader.buffer) == len(records)
        return IdWindow(ids, job.up_to if is_last else ids[-1])

    def open_reader(self, job: Job) -> RowReader:
        """Returns the reader of this process at the job's cursor."""
        reader = self.reader
        if reader is None or not reader.may_continue(job):
            self.close_reader()
            file = job_file(job)
            reader = RowReader(file, job.pk)
            if reader.columns and file.columns != reader.columns:
                file.columns = reader.columns
                file.save(update_fields=["columns"])
            self.reader = reader
        reader.advance(job.cursor)
        return reader

    def close_reader(self) -> None:
        if self.reader is not None:
            self.reader.close()
            self.reader = None

    def run(self, chunk: Chunk) -> None:
        file = job_file(chunk.job)
        records = self.chunk_records(file, chunk.ids)
        mapping = file_mapping(file, job_rules(chunk.job))
        rows = [mapping.row(record) for record in records]
        names = chunk_names(file, chunk.ids, rows)
        outcomes = self.apply_rows(
            chunk.job,
            file,
            mapping,
            rows,
            chunk.by,
        )
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
        return store_rows(
            rows,
            mapping,
            job_rules(job),
            by,
            StoredLineIndex(file),
            dry_run=True,
        )

    def chunk_records(self, file: ImportFile, ids: list[int]) -> list[ImportRecord]:
        """Returns the records of a chunk, and stores them the first time."""
        if file.rows is not None:
            return read_records(file, ids[0], ids[-1])
        assert self.reader is not None  # noqa: S101  `window` has opened it
        records = self.reader.peek(len(ids))
        write_row_piece(file, ids[0], records)
        estimate = self.reader.rows_in_file()
        Job.objects.filter(pk=self.reader.job_id).update(expected=estimate)
        return records

    def ended(self, job: Job) -> None:
        """Stores the totals. The rows replace the upload."""
        file = job_file(job)
        if file.rows is None:
            self.finish_reading(file, job)
        else:
            drop_pieces(file)
        self.close_reader()
        retry_waiting_rows(self, job, file)
        file.totals = add_up_counts(file, Stage.CHECKED)
        file.expires_at = import_deadline()
        names = [
            "rows",
            "options",
            "problem",
            "totals",
            "expires_at",
        ]
        file.save(update_fields=names)
        Job.objects.filter(pk=job.pk).update(expected=job.selected)

    def finish_reading(self, file: ImportFile, job: Job) -> None:
        """Sets what is known once the whole file was read, and removes the upload with the secret
        that was needed to read it.
        """
        file.rows = job.selected
        file.options = without_secrets(file.options)
        if self.reader:
            file.problem = self.reader.problem
            file.totals = {"skipped": dict(self.reader.skipped)}
        drop_pieces(file, Stage.RAW)


def drop_results(job: Job) -> None:
    """Removes the results of a check, and the rows if it has not read all of them."""
    file = job_file(job)
    unfinished = [Stage.ROWS] if file.rows is None else []
    drop_pieces(file, Stage.CHECKED, Stage.IMPORTED, *unfinished)


def start_check(
    file: ImportFile,
    rules: ImportRules,
    *,
    by: Any,
    key: str = "",
) -> Job:
    """Starts the check of a file and returns the job. Raises access.Denied, JobRefused, BadMapping,
    or UnreadableFile if a column is missing.
    """
    access.require(by, ACTION)
    require_rights(by, rules)
    with transaction.atomic():
        if existing := engine.lock_and_find_job(by, key):
            return existing
        file = lock_file(file)
        refuse_unavailable(file)
        file_mapping(file, rules)
        file.rules = rules.to_json()
        job = engine.start_job(
            CheckImport.name,
            by=by,
            words=file.name,
            up_to=LARGEST_ID if file.rows is None else file.rows,
            expected=file.rows,
            parameters={"file": file.pk, "rules": file.rules},
            key=key,
        )
        file.check_job = job
        file.save(update_fields=["rules", "check_job"])
    return job


def lock_file(file: ImportFile) -> ImportFile:
    """Locks and returns a file."""
    return ImportFile.objects.select_for_update(of=("self",)).get(pk=file.pk)


def refuse_unavailable(file: ImportFile) -> None:
    """Raises JobRefused if the content of the file was removed, a job works on it, or it was
    imported.
    """
    if file.removed_at:
        raise JobRefused(CONTENT_REMOVED)
    refuse_while_used(file)
    if file.job and file.job.state == Job.State.DONE:
        raise JobRefused(IMPORTED_ALREADY.format(file.job.pk))
