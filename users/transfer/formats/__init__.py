"""Readers of files. Each turns one format into the names of its columns and a stream of records, in
constant memory.

A format module has `read(file, name, **options) -> Source`; `users.transfer.import_run` takes a
Source of any of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


class UnreadableFile(Exception):
    """The file can't be read, or not beyond this line. `line` is 0 where the whole file is meant."""

    def __init__(self, name: str, line: int, reason: str):
        super().__init__(f"{name}, line {line}: {reason}" if line else f"{name}: {reason}")
        self.name = name
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class ImportRecord:
    """One row: its text by column. `misfit` says why the row does not fit the columns; then there
    are no values.
    """

    line: int
    values: dict[str, str] = field(default_factory=dict)
    misfit: str = ""


@dataclass(frozen=True)
class ImportSource:
    """`line` is where the names of the columns stand."""

    name: str
    line: int
    columns: list[str]
    records: Iterator[ImportRecord]
