"""The formats that files may have, and the one way to open a file of any of them."""

from dataclasses import dataclass
from typing import BinaryIO

from users.transfer.formats import ImportSource, UnreadableFile
from users.transfer.formats.csv import CsvFile
from users.transfer.formats.file_format import FileFormat
from users.transfer.formats.file_start import FileStart
from users.transfer.formats.options import ReadOptions
from users.transfer.formats.other_formats import refuse_signature
from users.transfer.formats.text_encodings import require_encoding

# In the order of detection: the formats of systems, then those that any table may have. CSV matches
# every text.
FORMATS: tuple[FileFormat, ...] = (
    CsvFile(),
)


@dataclass(frozen=True)
class OpenFile:
    """A file that is open for reading, and its format."""

    source: ImportSource
    format: FileFormat


def open_source(file: BinaryIO, name: str, options: ReadOptions) -> OpenFile:
    """Opens a seekable file in the requested format, or in the first one that matches its content.

    Raises UnreadableFile. `name` is for messages. The records are read from `file` later, so it has
    to stay open.
    """
    require_encoding(options.encoding, name)
    start = FileStart.read(file, name, options.encoding)
    refuse_signature(start.content, name)
    found = find_format(options.format, name) if options.format else detect_format(start)
    return OpenFile(found.read(file, name, options), found)


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
