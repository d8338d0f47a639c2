"""Imports accounts from a file, chunk by chunk. One transaction stores a chunk with its events.

A row is applied as a whole or not at all. Accounts are found by the key of the row, so a run that
was killed can be repeated, and no account is created twice.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import IntegrityError, transaction

from users.formats import ImportRecord, UnreadableFile
from users.transfer.imports.chunk import ImportChunk
from users.transfer.imports.column_mapping import ColumnMapping, ImportRow
from users.transfer.imports.import_rights import require_rights
from users.transfer.imports.line_index import LineIndex, TemporaryLineIndex
from users.transfer.imports.outcomes import REJECTED, RowOutcome
from users.transfer.imports.rules import ImportRules
from users.transfer.imports.uniqueness import TAKEN_SOURCE
from users.verbs.profile_validation import taken_error

# A chunk takes less than half a second, as those of jobs do: it locks the accounts that it updates.
IMPORT_CHUNK_ROWS = 2000
# The rows that are decided once more at the end, in one transaction, because they need a name that
# a later row may have freed.
WAITING_MAX = 4000
SOURCE_CONSTRAINTS = ("user_source_unique", "users_user.source_id")


@dataclass(frozen=True)
class ImportRun:
    """One import of a file that is read to its end, by a command."""

    mapping: ColumnMapping
    # The actor, whose permissions apply.
    by: Any
    rules: ImportRules = field(default_factory=ImportRules)
    dry_run: bool = False

    def run(self, records: Iterable[ImportRecord], report: Callable[[RowOutcome], None]) -> None:
        """Imports the records and calls `report` with each outcome after its chunk was stored.

        Raises access.Denied; and UnreadableFile, after the rows before the unreadable line were
        stored.
        """
        require_rights(self.by, self.rules)
        with closing(TemporaryLineIndex()) as lines:
            waiting: list[ImportRow] = []
            try:
                for chunk in prefetch_chunks(split_chunks(map(self.mapping.row, records))):
                    room = WAITING_MAX - len(waiting)
                    waiting += self.store_chunk(chunk, lines, report, room=room)
            except UnreadableFile:
                self.store_chunk(waiting, lines, report)
                raise
            self.store_chunk(waiting, lines, report)

    def store_chunk(
        self,
        rows: list[ImportRow],
        lines: LineIndex,
        report: Callable[[RowOutcome], None],
        *,
        room: int = 0,
    ) -> list[ImportRow]:
        """Imports some rows and reports their outcomes. Returns, without a report, at most `room`
        rows that need a name which a later row may free.
        """
        if not rows:
            return []
        outcomes = store_rows(
            rows,
            self.mapping,
            self.rules,
            self.by,
            lines,
            dry_run=self.dry_run,
        )
        waiting: list[ImportRow] = []
        for row, outcome in zip(rows, outcomes, strict=True):
            if outcome.is_waiting and self.rules.updates and len(waiting) < room:
                waiting.append(row)
            else:
                report(outcome)
        return waiting


def store_rows(
    rows: list[ImportRow],
    mapping: ColumnMapping,
    rules: ImportRules,
    by: Any,
    lines: LineIndex,
    *,
    job_id: int | None = None,
    dry_run: bool = False,
) -> list[RowOutcome]:
    """Stores some rows of a file in one transaction and returns their outcomes, in their order.

    `lines` has the keys and names of the earlier rows of the file. A dry run stores nothing, and
    finds their names in `lines`. Raises access.Denied.
    """
    require_rights(by, rules)
    rows = reject_repeats(rows, mapping.field_at_start(mapping.key), lines)

    def make_chunk(part: list[ImportRow]) -> ImportChunk:
        return ImportChunk(
            part,
            mapping,
            rules,
            by,
            lines,
            dry_run=dry_run,
            job_id=job_id,
        )

    return make_chunk(rows).store() if dry_run else store_parts(rows, make_chunk, lines)


def store_parts(
    rows: list[ImportRow],
    make_chunk: Callable[[list[ImportRow]], ImportChunk],
    lines: LineIndex,
) -> list[RowOutcome]:
    """Stores rows in one transaction. If another transaction took a name meanwhile, it halves
    them, so that only the row with that name is rejected.
    """
    try:
        with transaction.atomic():
            return make_chunk(rows).store()
    except IntegrityError as error:
        lines.discard()
        if len(rows) == 1:
            return [taken_outcome(rows[0], error)]
    middle = len(rows) // 2
    first = store_parts(rows[:middle], make_chunk, lines)
    return first + store_parts(rows[middle:], make_chunk, lines)


def taken_outcome(row: ImportRow, error: IntegrityError) -> RowOutcome:
    """Returns the outcome of a row whose name another transaction has just taken."""
    if any(name in str(error) for name in SOURCE_CONSTRAINTS):
        return RowOutcome(row.line, REJECTED, reason=TAKEN_SOURCE)
    return RowOutcome(row.line, REJECTED, reason=" ".join(taken_error(error).messages))


def reject_repeats(rows: Iterable[ImportRow], key_name: str, lines: LineIndex) -> list[ImportRow]:
    """Returns the rows. If an earlier one has the key of a row, that row gets a problem, even if
    the earlier one has a problem too: nobody knows which of them is right. `key_name`: how reasons
    call the key.
    """
    rows = list(rows)
    keyed = [row for row in rows if row.key.value]
    firsts = lines.add_all("row", [("\x00".join(row.key), row.line) for row in keyed])
    lines.flush()
    first_lines = dict(zip((row.line for row in keyed), firsts, strict=True))
    return [reject_repeat(row, key_name, first_lines.get(row.line, row.line)) for row in rows]


def reject_repeat(row: ImportRow, key_name: str, first: int) -> ImportRow:
    """Returns a row, with a problem if `first`, the first line with its key, is another one."""
    if first == row.line:
        return row
    repeat = (
        f"{key_name}: “{row.key.value}”: Line {first} is about the same account. Keep one of them."
    )
    problem = " ".join(filter(None, [row.problem, repeat]))
    return replace(row, problem=problem, misfit=True)


def prefetch_chunks(chunks: Iterator[list[ImportRow]]) -> Iterator[list[ImportRow]]:
    """Yields the chunks. A thread reads the next one while the database stores the last one."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, chunks, None)
        while chunk := following.result():
            following = pool.submit(next, chunks, None)
            yield chunk


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
