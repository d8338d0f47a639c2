"""Decides once more about rejected rows that need a name which another account had: a later row of
the file may have freed it, and two rows of different chunks may exchange their names.

This happens when a job has seen all rows, in the transaction of its last chunk.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import F

from users.jobs.kinds import job_origin
from users.jobs.models import Job
from users.jobs.transitions import job_initiator
from users.transfer.imports.file_rows_job import FileRowsJob, file_mapping, job_rules
from users.transfer.imports.outcomes import (
    AMBIGUOUS,
    CREATED,
    IMPORT_OUTCOMES,
    REJECTED,
    REJECTED_KINDS,
    UNCHANGED,
    UPDATED,
    RowOutcome,
)
from users.transfer.imports.run import WAITING_MAX
from users.transfer.imports.stored_rows import (
    FIRST_PASSWORDS,
    WAITING,
    RejectedRow,
    count_row_outcomes,
    pack_lines,
    rejected_line,
    stored_record,
    unpack_lines,
)
from users.transfer.models import ImportFile, ImportPiece


def retry_waiting_rows(kind: FileRowsJob, job: Job, file: ImportFile) -> None:
    """Decides again about the first WAITING_MAX waiting rows of a job that has seen all rows, and
    stores and counts the new outcomes.
    """
    rules = job_rules(job)
    pieces = file.pieces.filter(stage=kind.stage, **{f"counts__{WAITING}__gt": 0})
    waiting = first_waiting(pieces.order_by("number")) if rules.updates else []
    if not waiting:
        return
    mapping = file_mapping(file, rules)
    records = [stored_record(file, [row.line, row.cells]) for row in waiting]
    rows = list(map(mapping.row, records))
    with job_origin(job):
        outcomes = kind.apply_rows(
            job,
            file,
            mapping,
            rows,
            job_initiator(job),
        )
    accepted = {}
    for row, outcome in zip(waiting, outcomes, strict=True):
        if outcome.kind not in REJECTED_KINDS:
            accepted[row.number] = outcome
    for piece in pieces:
        replace_outcomes(piece, accepted)
    count_accepted(job, accepted.values())


def first_waiting(pieces: Iterable[ImportPiece]) -> list[RejectedRow]:
    """Returns the first WAITING_MAX waiting rows of the pieces, in the order of the file."""
    found: list[RejectedRow] = []
    for piece in pieces:
        rows = [RejectedRow(*line) for line in unpack_lines(piece.content)]
        found += [row for row in rows if row.is_waiting]
        if len(found) >= WAITING_MAX:
            break
    return found[:WAITING_MAX]


def replace_outcomes(piece: ImportPiece, accepted: dict[int, RowOutcome]) -> None:
    """Removes accepted rows from the rejected ones of a piece, and counts their new outcomes."""
    rows = [RejectedRow(*line) for line in unpack_lines(piece.content)]
    left = [row for row in rows if row.number not in accepted]
    if len(left) == len(rows):
        return
    gone = [row for row in rows if row.number in accepted]
    added = count_row_outcomes(accepted[row.number] for row in gone)
    counts = piece.counts
    for kind in IMPORT_OUTCOMES:
        counts[kind] += added[kind]
    counts[REJECTED] -= len(gone)
    counts[AMBIGUOUS] -= sum(row.kind == AMBIGUOUS for row in gone)
    counts[FIRST_PASSWORDS] = counts.get(FIRST_PASSWORDS, 0) + added[FIRST_PASSWORDS]
    passwords = counts["passwords"]
    for kind, number in added["passwords"].items():
        passwords[kind] = passwords.get(kind, 0) + number
    piece.content = pack_lines(map(rejected_line, left))
    piece.save(update_fields=["content", "counts"])


def count_accepted(job: Job, outcomes: Iterable[RowOutcome]) -> None:
    """Counts rows of a job that were skipped before as what they are now."""
    counts = count_row_outcomes(outcomes)
    added: dict[str, Any] = {
        "changed": counts[CREATED] + counts[UPDATED],
        "unchanged": counts[UNCHANGED],
    }
    added["skipped"] = -sum(added.values())
    Job.objects.filter(pk=job.pk).update(**{name: F(name) + n for name, n in added.items()})
    for name, number in added.items():
        setattr(job, name, getattr(job, name) + number)
