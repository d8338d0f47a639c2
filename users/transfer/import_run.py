"""Accounts out of a file: chunk by chunk, each chunk with its events in one transaction.

A row is applied whole or not at all. Rows are recognised by their key, so that a run that was
killed is completed by running it again, and nothing is made twice.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from users import access
from users.models import State
from users.transfer.column_mapping import ColumnMapping, ImportRow
from users.transfer.formats import ImportRecord, UnreadableFile
from users.transfer.import_chunk import REJECTED, ImportChunk, RowOutcome
from users.verbs.profile_validation import taken_error

IMPORT_CHUNK_ROWS = 1000


@dataclass(frozen=True)
class ImportRun:
    """`by` is asked for at the gate. Without `update`, accounts that are there stay as they are.
    `status`: of new ones.
    """

    mapping: ColumnMapping
    by: Any
    update: bool = False
    status: str = State.ACTIVE
    dry_run: bool = False

    def run(self, records: Iterable[ImportRecord], tell: Callable[[RowOutcome], None]) -> None:
        """`tell` hears of each row once its chunk is stored. Raises access.Denied; and Unreadable
        where the records end before their time, with the rows until then stored.
        """
        access.require(self.by, "invite")
        if self.update:
            access.require(self.by, "edit")
        with roll_back_after() if self.dry_run else nullcontext():
            for rows in split_chunks(map(self.mapping.row, records)):
                for outcome in self.store(rows):
                    tell(outcome)

    def store(self, rows: list[ImportRow]) -> list[RowOutcome]:
        """One transaction. Where somebody else takes a name at this very moment, row by row
        instead.
        """
        try:
            with transaction.atomic():
                return ImportChunk(
                    rows, self.mapping, self.by, update=self.update, status=self.status
                ).store()
        except IntegrityError as error:
            if len(rows) == 1:
                return [
                    RowOutcome(rows[0].line, REJECTED, reason=" ".join(taken_error(error).messages))
                ]
        return [outcome for row in rows for outcome in self.store([row])]


def split_chunks(rows: Iterator[ImportRow]) -> Iterator[list[ImportRow]]:
    """Lists of at most CHUNK rows. A key that comes again begins a new one, and so meets the
    account of the first.

    Unreadable is raised only after the rows that could be read.
    """
    chunk: list[ImportRow] = []
    keys: set[str] = set()
    try:
        for row in rows:
            if len(chunk) == IMPORT_CHUNK_ROWS or (not row.problem and row.key in keys):
                yield chunk
                chunk = []
                keys = set()
            chunk.append(row)
            if not row.problem:
                keys.add(row.key)
    except UnreadableFile:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


@contextmanager
def roll_back_after() -> Iterator[None]:
    """Everything as if it were stored, and then nothing of it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
