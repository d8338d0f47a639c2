"""The interface of the formats that files may have."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import BinaryIO

from users.transfer.formats import ImportRecord, ImportSource
from users.transfer.formats.file_start import FileStart
from users.transfer.formats.options import ReadOptions


@dataclass(frozen=True)
class FormatDefaults:
    """The suggestions for an import from a format. A person may change each of them."""

    # The name of the system, for accounts with an ID in that system.
    source: str = ""
    # The fields of the account by column.
    fields: Mapping[str, str] = field(default_factory=dict)
    # The field that identifies an account; "" for the first one that the file has.
    key: str = ""
    # Whether every other column is an attribute.
    keeps_attributes: bool = False


class FileFormat(ABC):
    """A format that Rollcall reads."""

    # The name in options, such as "keycloak".
    name: str
    # The name for people, such as "Keycloak realm".
    label: str
    # The usual ends of file names, such as ".json". Only the content decides.
    extensions: tuple[str, ...]
    defaults = FormatDefaults()

    @abstractmethod
    def matches(self, start: FileStart) -> bool:
        """Returns whether a file with this start has the format."""

    @abstractmethod
    def read(self, file: BinaryIO, name: str, options: ReadOptions) -> ImportSource:
        """Returns the columns and records of a seekable file at position 0.

        Raises UnreadableFile, also during the iteration over the records. `name` is for messages.
        """

    def join(self, first: ImportSource, others: Iterable[ImportSource]) -> ImportSource:
        """Returns several files as one. Their records are numbered consecutively."""
        return replace(first, records=joined_records(first, others))


def joined_records(first: ImportSource, others: Iterable[ImportSource]) -> Iterator[ImportRecord]:
    """Yields the records of several files with the columns of the first one."""
    last = 0
    for source in chain([first], others):
        offset = last
        for record in source.records:
            last = offset + record.line
            yield replace(fit_record(record, first.columns), line=last)


def fit_record(record: ImportRecord, columns: list[str]) -> ImportRecord:
    """Returns a record with a text for each of the columns. It is a misfit if it has others."""
    values = {column: record.values.get(column, "") for column in columns}
    others = [name for name, text in record.values.items() if text and name not in values]
    misfit = record.misfit
    if others and not misfit:
        misfit = f"“{others[0]}” is in no record at the beginning of the file."
    return ImportRecord(record.line, values, misfit)
