"""The formats that files may have, and the function that opens a file of any of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from users.formats import (
    ImportRecord,
    ImportSource,
    UnreadableFile,
    refuse_many_columns,
)
from users.formats.archives.containers import unpack_file
from users.formats.auth0 import Auth0Users
from users.formats.clerk import ClerkUsers
from users.formats.csv import CsvFile
from users.formats.damage import DAMAGE, describe_damage, replace_damage
from users.formats.django_dumpdata import DjangoDump
from users.formats.entra import EntraUsers
from users.formats.file_format import FileFormat
from users.formats.file_start import FileStart
from users.formats.firebase import FirebaseUsers
from users.formats.google_workspace import GoogleWorkspaceUsers
from users.formats.json import JsonFile
from users.formats.json_lines import JsonLinesFile
from users.formats.keycloak import KeycloakRealm
from users.formats.okta import OktaUsers
from users.formats.options import ReadOptions
from users.formats.other_formats import refuse_signature
from users.formats.rollcall_archive import RollcallArchive
from users.formats.scim import RollcallScim, ScimUsers
from users.formats.supabase import SupabaseUsers
from users.formats.text_encodings import DEFAULT_ENCODING, require_encoding
from users.formats.wordpress import WordPressUsers
from users.formats.xlsx import XlsxFile

# In the order of detection: the formats of systems, then those that any table may have. CSV matches
# every text.
FORMATS: tuple[FileFormat, ...] = (
    RollcallArchive(),
    XlsxFile(),
    KeycloakRealm(),
    FirebaseUsers(),
    SupabaseUsers(),
    Auth0Users(),
    DjangoDump(),
    WordPressUsers(),
    RollcallScim(),
    ScimUsers(),
    OktaUsers(),
    ClerkUsers(),
    EntraUsers(),
    GoogleWorkspaceUsers(),
    JsonLinesFile(),
    JsonFile(),
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
    if others:
        rest = (found.read(other.open(), name, options) for other in others)
        source = found.join(source, rest)
    return OpenFile(replace(source, records=mark_damaged_records(source.records)), found)


def mark_damaged_records(records: Iterable[ImportRecord]) -> Iterator[ImportRecord]:
    """Yields the records. Those with a character that cannot be stored become misfits."""
    for record in records:
        text = "".join(record.values.values())
        is_damaged = "\x00" in text or (not text.isascii() and DAMAGE.search(text))
        if is_damaged:
            misfit = record.misfit or describe_damage(record.values, DEFAULT_ENCODING)
            yield ImportRecord(record.line, replace_damage(record.values), misfit)
        else:
            yield record


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
