"""The base class of the jobs that check and import a file: maps its rows, and stores the outcomes
of a chunk.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from users.exceptions import JobRefused
from users.formats import ImportRecord, ImportSource
from users.formats.rollcall_archive import RollcallArchive
from users.jobs.kinds import (
    Chunk,
    IdWindow,
    JobKind,
    JobLink,
)
from users.jobs.models import Job
from users.transfer.imports.column_mapping import (
    AccountKey,
    ColumnMapping,
    ImportRow,
)
from users.transfer.imports.outcomes import (
    REJECTED,
    REJECTED_KINDS,
    RowOutcome,
)
from users.transfer.imports.rules import ImportRules, build_mapping
from users.transfer.imports.storage import CONTENT_REMOVED
from users.transfer.imports.stored_rows import (
    RejectedRow,
    count_row_outcomes,
    known_cells,
    pack_names,
    write_outcomes,
)
from users.transfer.models import ImportFile, ImportPiece

ACTION = "import"


class FileRowsJob(JobKind):
    """The base class of jobs whose ids are the numbers of the rows of one file."""

    action = ACTION
    unit = "row"
    first_chunk_size = 1000
    max_chunk_size = 4000
    # The stage of the pieces with the outcomes.
    stage: str

    def count(self, job: Job, limit: int) -> int:
        return min(job_file(job).rows or 0, limit)

    def fingerprint(self, job: Job) -> tuple[int, str]:
        """Returns the number of rows, and what identifies the file and the rules of its import."""
        file = job_file(job)
        return file.rows or 0, f"{file.pk}:{file.sha256}:{job.parameters['rules']}"

    def links(self, job: Job, viewer: Any) -> list[JobLink]:
        if viewer.pk != job.by_id:
            return []
        return [JobLink(f"/imports/{job.parameters['file']}/", "File", "next")]

    def fail(
        self,
        chunk: Chunk,
        pk: int,
        reason: str,
    ) -> None:
        """Rejects a row whose import raises an exception."""
        file = job_file(chunk.job)
        records = self.chunk_records(file, [pk])
        mapping = file_mapping(file, job_rules(chunk.job))
        names = chunk_names(file, [pk], map(mapping.row, records))
        outcome = RowOutcome(line=records[0].line, kind=REJECTED, reason=reason)
        self.store_outcomes(
            chunk,
            file,
            records,
            [outcome],
            names=names,
        )

    def chunk_records(self, file: ImportFile, ids: list[int]) -> list[ImportRecord]:
        """Returns the records of a chunk."""
        raise NotImplementedError

    def apply_rows(
        self,
        job: Job,
        file: ImportFile,
        mapping: ColumnMapping,
        rows: list[ImportRow],
        by: Any,
    ) -> list[RowOutcome]:
        """Decides about rows and returns their outcomes."""
        raise NotImplementedError

    def store_outcomes(
        self,
        chunk: Chunk,
        file: ImportFile,
        records: list[ImportRecord],
        outcomes: list[RowOutcome],
        *,
        names: bytes,
    ) -> None:
        """Stores the outcomes of a chunk and counts them."""
        counts = count_row_outcomes(outcomes)
        write_outcomes(
            file,
            self.stage,
            first=chunk.ids[0],
            rejected=find_rejected(file, chunk.ids, records, outcomes),
            counts=counts,
            names=names,
        )
        chunk.unchanged(counts["unchanged"])
        chunk.count_written(
            changed=counts["created"] + counts["updated"],
            skipped=counts["rejected"],
        )


def job_file(job: Job) -> ImportFile:
    """Returns the file of a job."""
    return ImportFile.objects.defer("sample", "suggested").get(pk=job.parameters["file"])


def job_rules(job: Job) -> ImportRules:
    """Returns the rules that a job was started with."""
    return ImportRules.from_json(job.parameters["rules"])


def file_mapping(file: ImportFile, rules: ImportRules) -> ColumnMapping:
    """Returns the mapping of a file whose columns are known. Raises BadMapping, or UnreadableFile
    if a column is missing.
    """
    source = ImportSource(
        file.name,
        0,
        file.columns,
        iter(()),
        is_archive=file.format == RollcallArchive.name,
    )
    return build_mapping(source, rules)


def find_rejected(
    file: ImportFile,
    ids: list[int],
    records: list[ImportRecord],
    outcomes: list[RowOutcome],
) -> list[RejectedRow]:
    """Returns the rejected rows of a chunk with their cells."""
    rows = []
    for number, record, outcome in zip(ids, records, outcomes, strict=True):
        if outcome.kind in REJECTED_KINDS:
            rows.append(
                RejectedRow(
                    number=number,
                    line=outcome.line,
                    kind=outcome.kind,
                    account_id=outcome.account_id,
                    reason=outcome.reason,
                    misfit=outcome.misfit,
                    cells=known_cells(file, record),
                    is_waiting=outcome.is_waiting,
                )
            )
    return rows


def chunk_names(
    file: ImportFile,
    ids: list[int],
    rows: Iterable[ImportRow],
) -> bytes:
    """Returns the digests of the names in these rows, by which an erasure finds them."""
    numbered = zip(ids, rows, strict=True)
    return pack_names(file, ((number, row.values) for number, row in numbered))


def rows_after(job: Job, size: int) -> IdWindow:
    """Returns the numbers of the next rows of a file whose rows are stored. They are in one piece,
    since the pieces of long rows have few of them.
    """
    first = job.cursor + 1
    stored = ImportPiece.objects.filter(
        file=job.parameters["file"], stage=ImportPiece.Stage.ROWS, number__lte=first
    )
    piece = stored.order_by("-number").values_list("number", "rows").first()
    if piece is None:
        raise JobRefused(CONTENT_REMOVED)
    until = min(job.cursor + size, sum(piece) - 1)
    return IdWindow(list(range(first, until + 1)), until)


def reject_row(row: ImportRow, reason: str) -> ImportRow:
    """Returns a row that does not fit its file. It has no key, so that it is compared with no other
    row again.
    """
    return replace(
        row,
        key=AccountKey(""),
        problem=reason,
        misfit=True,
    )
