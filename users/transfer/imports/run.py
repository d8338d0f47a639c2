"""Imports accounts from a file, chunk by chunk. One transaction stores a chunk with its events.

A row is applied as a whole or not at all. Accounts are found by the key of the row, so a run that
was killed can be repeated, and no account is created twice.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction

from users import access
from users.models import State
from users.transfer.formats import ImportRecord, UnreadableFile
from users.transfer.imports.chunk import REJECTED, ImportChunk, RowOutcome
from users.transfer.imports.column_mapping import ColumnMapping, ImportRow
from users.transfer.imports.line_index import LineIndex
from users.verbs.profile_validation import taken_error

IMPORT_CHUNK_ROWS = 1000


@dataclass(frozen=True)
class ImportRun:
    """One import and its options."""

    mapping: ColumnMapping
    # The actor, whose permissions apply.
    by: Any
    # Without it, existing accounts stay unchanged.
    update: bool = False
    # The status of new accounts.
    status: str = State.ACTIVE
    dry_run: bool = False

    def run(self, records: Iterable[ImportRecord], report: Callable[[RowOutcome], None]) -> None:
        """Imports the records and calls `report` with each outcome after its chunk was stored.

        Raises access.Denied; and UnreadableFile, after the rows before the unreadable line were
        stored.
        """
        access.require(self.by, "invite")
        if self.update:
            access.require(self.by, "edit")
        rollback = roll_back_after() if self.dry_run else nullcontext()
        with rollback, closing(LineIndex()) as lines:
            rows = reject_repeats(map(self.mapping.row, records), self.mapping.key, lines)
            for chunk in split_chunks(rows):
                for outcome in self.store(chunk, lines):
                    report(outcome)

    def store(self, rows: list[ImportRow], lines: LineIndex) -> list[RowOutcome]:
        """Stores the rows in one transaction; or one by one if someone else took a name meanwhile,
        so that only the row with that name is rejected. `lines`: the lines of earlier rows.
        """
        try:
            with transaction.atomic():
                chunk = ImportChunk(
                    rows,
                    self.mapping,
                    self.by,
                    lines,
                    update=self.update,
                    status=self.status,
                )
                return chunk.store()
        except IntegrityError as error:
            if len(rows) == 1:
                reason = " ".join(taken_error(error).messages)
                return [RowOutcome(rows[0].line, REJECTED, reason=reason)]
        return [outcome for row in rows for outcome in self.store([row], lines)]


def reject_repeats(rows: Iterable[ImportRow], key: str, lines: LineIndex) -> Iterator[ImportRow]:
    """Yields the rows. If an earlier one has the key of a row, that row gets a problem, even if the
    earlier one has a problem too: nobody knows which of them is right.
    """
    for row in rows:
        value = row.key.value
        first = lines.add("row", "\x00".join(row.key), row.line) if value else row.line
        if first == row.line:
            yield row
            continue
        repeat = f"{key}: “{value}”: Line {first} is about the same account. Keep one of them."
        problem = " ".join(filter(None, [row.problem, repeat]))
        yield replace(row, problem=problem, misfit=True)


def split_chunks(rows: Iterator[ImportRow]) -> Iterator[list[ImportRow]]:
    """Yields lists of at most IMPORT_CHUNK_ROWS rows. Raises UnreadableFile after the rows that
    could be read.
    """
    chunk: list[ImportRow] = []
    try:
        for row in rows:
            chunk.append(row)
            if len(chunk) == IMPORT_CHUNK_ROWS:
                yield chunk
                chunk = []
    except UnreadableFile:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


@contextmanager
def roll_back_after() -> Iterator[None]:
    """Runs its block in a transaction that is always rolled back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
