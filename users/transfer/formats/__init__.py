"""Readers of files, one module for each format. A reader returns an ImportSource: the names of the
columns and a stream of records, in constant memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


class UnreadableFile(Exception):
    """A file that cannot be read, or not beyond `line`. 0 means the whole file."""

    def __init__(self, name: str, line: int, reason: str):
        super().__init__(f"{name}, line {line}: {reason}" if line else f"{name}: {reason}")
        self.name = name
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class ImportRecord:
    """One row: its text by column. `misfit` says why the row does not fit the columns; then
    `values` is empty.
    """

    line: int
    values: dict[str, str] = field(default_factory=dict)
    misfit: str = ""


@dataclass(frozen=True)
class ImportSource:
    """A file that is open for reading. `line`: where the names of the columns are."""

    name: str
    line: int
    columns: list[str]
    records: Iterator[ImportRecord]
