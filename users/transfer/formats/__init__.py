"""Readers of files, one module for each format. A reader returns an ImportSource: the names of the
columns and a stream of records. It needs constant memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


class UnreadableFile(Exception):
    """A file cannot be read from `line` on; not at all if `line` is 0."""

    def __init__(self, name: str, line: int, reason: str):
        super().__init__(f"{name}, line {line}: {reason}" if line else f"{name}: {reason}")
        self.name = name
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class ImportRecord:
    """One row of a file."""

    line: int
    # The texts by column.
    values: dict[str, str] = field(default_factory=dict)
    # The reason why the row does not fit the columns. It has no values then.
    misfit: str = ""


@dataclass(frozen=True)
class ImportSource:
    """A file that is open for reading."""

    name: str
    # The line with the names of the columns.
    line: int
    columns: list[str]
    records: Iterator[ImportRecord]
