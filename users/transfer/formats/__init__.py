"""Readers of files, one module for each format. A reader returns an ImportSource: the names of the
columns and a stream of records. It needs constant memory.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

COLUMNS_MAX = 1000


class UnreadableFile(Exception):
    """A file cannot be read from `line` on; not at all if `line` is 0.

    `reason` is shown on pages. The text of the exception is for the command: it adds `option`, the
    option of the command that would help.
    """

    def __init__(self, name: str, line: int, reason: str, option: str = ""):
        place = f"{name}, line {line}" if line else name
        super().__init__(f"{place}: {reason} ({option})" if option else f"{place}: {reason}")
        self.name = name
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class ImportRecord:
    """One row of a file."""

    # The line of a text, the row of a sheet, or the number of a record in JSON.
    line: int
    # The texts by column. Those of a misfit are as far as they could be read.
    values: dict[str, str] = field(default_factory=dict)
    # The reason why the row cannot be used: it does not fit the columns, or is damaged.
    misfit: str = ""


@dataclass(frozen=True)
class ImportSource:
    """A file that is open for reading."""

    name: str
    # The line with the names of the columns; 0 if the names do not come from a line.
    line: int
    columns: list[str]
    records: Iterator[ImportRecord]
    # What the records left out so far, such as service accounts, with the numbers.
    skipped: Counter[str] = field(default_factory=Counter)
    # Whether it is a Rollcall archive.
    is_archive: bool = False


def refuse_many_columns(number: int, name: str, line: int) -> None:
    """Raises UnreadableFile for a file with more than COLUMNS_MAX columns."""
    if number > COLUMNS_MAX:
        reason = f"There are {number:,} columns. A file may have at most {COLUMNS_MAX:,}."
        raise UnreadableFile(name, line, reason)
