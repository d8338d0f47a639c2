"""The formats that files may have, and the one way to open a file of any of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import BinaryIO

from users.transfer.formats import (
    ImportRecord,
    ImportSource,
    UnreadableFile,
    refuse_many_columns,
)
from users.transfer.formats.archives.containers import unpack_file
from users.transfer.formats.csv import CsvFile
from users.transfer.formats.file_format import FileFormat
from users.transfer.formats.file_start import FileStart
from users.transfer.formats.options import ReadOptions
from users.transfer.formats.other_formats import refuse_signature
from users.transfer.formats.rollcall_archive import RollcallArchive
from users.transfer.formats.text_encodings import require_encoding
from users.transfer.formats.xlsx import XlsxFile

# In the order of detection: the formats of systems, then those that any table may have. CSV matches
# every text.
FORMATS: tuple[FileFormat, ...] = (
    RollcallArchive(),
    XlsxFile(),
    CsvFile(),
)


@dataclass(frozen=True)
class OpenFile:
    """A file that is open for reading, and its format."""

    source: ImportSource
    format: FileFormat


def open_source(file: BinaryIO, name: str, options: ReadOptions) -> OpenFile:
    """Opens a seekable file in the requested format, or in the first one that matches its content.
    An archive is unpacked.

    Raises UnreadableFile. `name` is for messages. The records are read from `file` later, so it has
    to stay open.
    """
    require_encoding(options.encoding, name)
    first, *others = unpack_file(file, name)
    content = first.open()
    start = FileStart.read(content, first.name, options.encoding)
    refuse_signature(content, start.content, name)
    found = find_format(options.format, name) if options.format else detect_format(start)
    source = found.read(content, name, options)
    refuse_many_columns(len(source.columns), name, source.line)
    rest = (found.read(other.open(), name, options) for other in others)
    return OpenFile(join_sources(source, rest) if others else source, found)


def join_sources(first: ImportSource, others: Iterable[ImportSource]) -> ImportSource:
    """Returns several files as one. Their records are numbered on."""
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


def find_format(wanted: str, name: str) -> FileFormat:
    """Returns the format of this name. Raises UnreadableFile if there is none."""
    for file_format in FORMATS:
        if file_format.name == wanted:
            return file_format
    names = ", ".join(file_format.name for file_format in FORMATS)
    raise UnreadableFile(name, 0, f"There is no format “{wanted}”. The formats are: {names}.")


def detect_format(start: FileStart) -> FileFormat:
    """Returns the first format that matches the start of a file."""
    return next(file_format for file_format in FORMATS if file_format.matches(start))
