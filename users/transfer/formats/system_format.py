"""The base of the formats of other systems. They turn each record of a file into the columns of an
import, and every other attribute into a column of its own.
"""

import csv
import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, BinaryIO, cast

from users.transfer.formats import ImportRecord, ImportSource, UnreadableFile
from users.transfer.formats.csv import DELIMITERS, read_csv
from users.transfer.formats.file_format import FileFormat, FormatDefaults
from users.transfer.formats.file_start import FileStart
from users.transfer.formats.json_objects import RawRecord, object_keys, read_objects
from users.transfer.formats.options import ReadOptions
from users.transfer.formats.record_values import SkippedRecord

# The records that are read ahead for the names of the attributes, and their size in characters.
PEEKED_RECORDS = 1000
PEEKED_CHARACTERS = 2_000_000
# Attributes that get a column. The others share one.
ATTRIBUTES_MAX = 200
# The column of the attributes that have no column of their own, as a JSON object.
OTHER_ATTRIBUTES = "other_attributes"
# The lines among which the column names of a table may be.
HEADER_LINES = 10
FIELD_COLUMNS = (
    "source_id",
    "username",
    "email",
    "email_verified",
    "first_name",
    "last_name",
    "phone",
    "locale",
    "time_zone",
    "status",
    "groups",
    "password_hash",
    "password",
)
NO_ACCOUNTS = "There are no accounts in this file."
Converter = Callable[[dict[str, Any]], dict[str, str]]


@dataclass(frozen=True)
class SystemSource(ImportSource):
    """A file of another system that is open for reading."""

    # The records with all their values, also those that have no column. It yields what `records`
    # yields, so that only one of both can be used.
    converted: Iterator[ImportRecord] = field(default_factory=lambda: iter(()))


class SystemFormat(FileFormat):
    """A format of another system: JSON, a table, or both."""

    # The columns that every file has, in their order.
    columns: tuple[str, ...]
    # Where a JSON file may have its records. The first path that occurs is used.
    record_paths: tuple[str, ...] = ("item", "")
    # Whether rows of a table may lack their last cells.
    short_rows = False

    def matches(self, start: FileStart) -> bool:
        if start.is_json:
            return self.matches_keys(object_keys(start, self.record_path(start)))
        return find_header(start, self.matches_header) is not None

    def matches_keys(self, keys: frozenset[str]) -> bool:
        """Returns whether JSON objects with these keys are accounts of the system."""
        return False

    def matches_header(self, names: frozenset[str]) -> bool:
        """Returns whether a table with these columns is of the system."""
        return False

    def record_path(self, start: FileStart) -> str:
        """Returns where a JSON file has its records."""
        occurring = (path for path in self.record_paths if object_keys(start, path))
        return next(occurring, "")

    def read(self, file: BinaryIO, name: str, options: ReadOptions) -> ImportSource:
        start = FileStart.read(file, name, options.encoding)
        convert = self.converter(file, start, options)
        line, raw_records = self.raw_records(file, start, options)
        skipped: Counter[str] = Counter()
        records = convert_records(raw_records, convert, skipped)
        return build_source(name, line, self.columns, records, skipped)

    def join(self, first: ImportSource, others: Iterable[ImportSource]) -> ImportSource:
        records = numbered_records(chain([first], others), first.skipped)
        return build_source(first.name, first.line, self.columns, records, first.skipped)

    def raw_records(
        self, file: BinaryIO, start: FileStart, options: ReadOptions
    ) -> tuple[int, Iterator[RawRecord]]:
        """Returns the line of the column names, 0 for JSON, and the records of a file."""
        if start.is_json:
            return 0, read_objects(file, start, self.record_path(start))
        return self.table_records(file, start, options)

    def table_records(
        self, file: BinaryIO, start: FileStart, options: ReadOptions
    ) -> tuple[int, Iterator[RawRecord]]:
        """Returns the line of the column names and the rows of a table."""
        header = find_header(start, self.matches_header)
        if header is not None and not options.skip_lines:
            options = replace(options, skip_lines=header)
        if self.short_rows:
            options = replace(options, short_rows=True)
        table = read_csv(file, start.name, options)
        return table.line, map(raw_record, table.records)

    def converter(self, file: BinaryIO, start: FileStart, options: ReadOptions) -> Converter:
        """Returns the function that converts the records of a file."""
        return self.account

    @abstractmethod
    def account(self, record: dict[str, Any]) -> dict[str, str]:
        """Returns the texts of an account by column. Raises SkippedRecord."""


def raw_record(record: ImportRecord) -> RawRecord:
    """Returns the row of a table as a record."""
    return RawRecord(record.line, dict(record.values), record.misfit)


def system_defaults(source: str, columns: Iterable[str]) -> FormatDefaults:
    """Returns the suggestions for a system whose columns have the names of fields. The key depends
    on the file: an ID if it has some.
    """
    fields = {column: column for column in columns if column in FIELD_COLUMNS}
    return FormatDefaults(source=source, fields=fields)


def find_header(start: FileStart, matches: Callable[[frozenset[str]], bool]) -> int | None:
    """Returns the number of lines before the column names of a table; None without such a line."""
    for number, line in enumerate(start.text.splitlines()[:HEADER_LINES]):
        if any(matches(header_names(line, delimiter)) for delimiter in DELIMITERS):
            return number
    return None


def header_names(line: str, delimiter: str) -> frozenset[str]:
    """Returns the trimmed cells of a line."""
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return frozenset()
    return frozenset(map(str.strip, cells))


def convert_records(
    records: Iterable[RawRecord], convert: Converter, skipped: Counter[str]
) -> Iterator[ImportRecord]:
    """Yields the converted records, without those that are no accounts of people, which it counts
    in `skipped`.
    """
    for record in records:
        try:
            values = convert(record.values)
        except SkippedRecord as skip:
            if not record.misfit:
                skipped[str(skip)] += 1
                continue
            values = {}
        yield ImportRecord(record.line, values, record.misfit)


def build_source(
    name: str,
    line: int,
    columns: tuple[str, ...],
    records: Iterator[ImportRecord],
    skipped: Counter[str],
) -> SystemSource:
    """Returns the source of converted records. The columns are those of the format, without an ID
    that no record seems to have, and those of attributes.
    """
    ahead, rest = peek_records(records)
    used = dict.fromkeys(chain.from_iterable(record.values for record in ahead))
    attributes = [column for column in used if column not in columns]
    # With a system in each record, the IDs may begin later.
    has_ids = "source" in columns or any(record.values.get("source_id") for record in ahead)
    found = [column for column in columns if column != "source_id" or has_ids]
    found += attributes[:ATTRIBUTES_MAX]
    if rest or len(attributes) > ATTRIBUTES_MAX:
        found.append(OTHER_ATTRIBUTES)
    converted = chain(ahead, rest or ())
    rows: Iterator[ImportRecord] = (fill_columns(record, found) for record in converted)
    if not ahead and not line:
        rows = failing_iterator(UnreadableFile(name, 0, NO_ACCOUNTS))
    return SystemSource(name, line, found, rows, skipped, converted=converted)


def numbered_records(
    sources: Iterable[ImportSource], skipped: Counter[str]
) -> Iterator[ImportRecord]:
    """Yields the converted records of several files, numbered consecutively. Adds the records that
    they skipped to `skipped`, the counter of the first one.
    """
    last = 0
    for source in sources:
        offset = last
        for record in cast(SystemSource, source).converted:
            last = offset + record.line
            yield replace(record, line=last)
        if source.skipped is not skipped:
            skipped.update(source.skipped)


def peek_records(
    records: Iterator[ImportRecord],
) -> tuple[list[ImportRecord], Iterator[ImportRecord] | None]:
    """Returns the first records of a file, within the limits, and an iterator of the others; None
    if there are no others. Raises UnreadableFile if the file cannot be read at all.
    """
    ahead: list[ImportRecord] = []
    size = 0
    try:
        for record in records:
            ahead.append(record)
            size += sum(map(len, record.values.values()))
            if len(ahead) == PEEKED_RECORDS or size > PEEKED_CHARACTERS:
                return ahead, records
    except UnreadableFile as error:
        if not ahead:
            raise
        return ahead, failing_iterator(error)
    return ahead, None


def failing_iterator(error: Exception) -> Iterator[ImportRecord]:
    """Raises the error of a file after the records before it."""
    raise error
    yield  # makes this function a generator


def fill_columns(record: ImportRecord, columns: list[str]) -> ImportRecord:
    """Returns the record with a text for each column, in their order. Attributes without a column
    go into the column OTHER_ATTRIBUTES.
    """
    values = {column: record.values.get(column, "") for column in columns}
    others = {name: text for name, text in record.values.items() if text and name not in values}
    if others:
        values[OTHER_ATTRIBUTES] = json.dumps(others, ensure_ascii=False)
    return replace(record, values=values)
