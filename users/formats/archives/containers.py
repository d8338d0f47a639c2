"""Unpacks gzip and ZIP as a stream: nothing is written to the disk, and little is in memory."""

import gzip
import io
import re
from collections.abc import Callable
from functools import partial
from typing import IO, Any, BinaryIO, NamedTuple, cast
from zipfile import ZipFile, ZipInfo

from users.formats import UnreadableFile
from users.formats.archives.pipe_input import seekable_input
from users.formats.archives.zip_checks import (
    ARCHIVE_ERRORS,
    DAMAGED,
    EMPTY_ZIP_SIGNATURE,
    ZIP_SIGNATURE,
    content_members,
    open_archive,
    refuse_growth,
)
from users.formats.start_limit import count_bytes

GZIP_SIGNATURE = b"\x1f\x8b"
ARCHIVE_SIGNATURES = (GZIP_SIGNATURE, ZIP_SIGNATURE, EMPTY_ZIP_SIGNATURE)
WORKBOOK_MEMBER = "[Content_Types].xml"
# The users of a Keycloak realm in several files, beside a file of the realm itself.
REALM_USERS = re.compile(r"(?P<realm>.+)-users-(?P<number>\d{1,9})\.json")
REALM_OTHERS = re.compile(r"(?P<realm>.+)-(realm|federated-users-\d{1,9})\.json")
NESTED = "This archive contains another archive or a workbook, “{entry}”. Unpack it first."
SEVERAL = (
    "This archive contains several files. Import them one by one, or put only one into the archive."
)


class PackedFile(NamedTuple):
    """A file that may stand in an archive."""

    # The name without folders.
    name: str
    # Opens the unpacked content, which is seekable.
    open: Callable[[], BinaryIO]


class UnpackedStream(io.RawIOBase):
    """The unpacked content of an archive. Raises UnreadableFile if it is damaged or grows beyond
    what a table may have.
    """

    def __init__(self, stream: BinaryIO, packed: int, name: str):
        self.stream = stream
        # The size in the archive, in bytes.
        self.packed = packed
        self.name = name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self.guard(partial(self.stream.seek, offset, whence))

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Reads bytes into `buffer` and returns how many there were, 0 at the end."""
        content = self.guard(partial(self.stream.read, len(buffer)))
        refuse_growth(self.stream.tell(), self.packed, self.name)
        count_bytes(len(content))
        buffer[: len(content)] = content
        return len(content)

    def guard(self, step: Callable[[], Any]) -> Any:
        """Returns the result of a step. Raises UnreadableFile if the archive is damaged."""
        try:
            return step()
        except ARCHIVE_ERRORS as error:
            raise UnreadableFile(self.name, 0, DAMAGED) from error


def unpacked_stream(stream: IO[bytes] | gzip.GzipFile, packed: int, name: str) -> BinaryIO:
    """Returns the content of an archive of `packed` bytes, with limits and a buffer."""
    limited = UnpackedStream(cast(BinaryIO, stream), packed, name)
    return io.BufferedReader(limited)


def unpack_file(file: BinaryIO, name: str) -> list[PackedFile]:
    """Returns the content of a file: itself, or the files in it if it is an archive. These are
    several only for the users of a Keycloak realm. Raises UnreadableFile.
    """
    file.seek(0)
    signature = file.read(len(ZIP_SIGNATURE))
    file.seek(0)
    if not signature.startswith(ARCHIVE_SIGNATURES):
        return [PackedFile(name, lambda: file)]
    archive_file = seekable_input(file)
    if signature.startswith(GZIP_SIGNATURE):
        return [unpack_gzip(archive_file, name)]
    archive = open_archive(archive_file, name)
    if WORKBOOK_MEMBER in archive.NameToInfo:
        return [PackedFile(name, lambda: archive_file)]
    return unpack_zip(archive, name)


def unpack_gzip(file: BinaryIO, name: str) -> PackedFile:
    """Returns the content of a gzip file. Raises UnreadableFile."""
    packed = file.seek(0, io.SEEK_END)
    file.seek(0)
    stream = gzip.GzipFile(fileobj=file, mode="rb")
    content = unpacked_stream(stream, packed, name)
    inner_name = re.sub(r"\.gz(ip)?$", "", name, flags=re.IGNORECASE)
    return refuse_nested(PackedFile(inner_name, lambda: content), name)


def unpack_zip(archive: ZipFile, name: str) -> list[PackedFile]:
    """Returns the files to read in an archive. Raises UnreadableFile if it is unclear which."""
    members = content_members(archive)
    if not members:
        raise UnreadableFile(name, 0, "This archive is empty.")
    if len(members) > 1:
        members = realm_members(members, name)
    files = [packed_member(archive, member, name) for member in members]
    refuse_nested(files[0], name)
    return files


def packed_member(archive: ZipFile, member: ZipInfo, name: str) -> PackedFile:
    """Returns a member of an archive."""

    def open_member() -> BinaryIO:
        try:
            stream = archive.open(member)
        except ARCHIVE_ERRORS as error:
            raise UnreadableFile(name, 0, DAMAGED) from error
        return unpacked_stream(stream, member.compress_size, name)

    return PackedFile(member.filename.rpartition("/")[2], open_member)


def realm_members(members: list[ZipInfo], name: str) -> list[ZipInfo]:
    """Returns the files with the users of a Keycloak realm in the order of their numbers. Raises
    UnreadableFile for other files.
    """
    numbered: dict[int, ZipInfo] = {}
    realms: set[str] = set()
    for member in members:
        users = REALM_USERS.fullmatch(member.filename)
        other = REALM_OTHERS.fullmatch(member.filename)
        if users:
            numbered[int(users["number"])] = member
        if not (found := users or other):
            raise UnreadableFile(name, 0, SEVERAL)
        realms.add(found["realm"])
    if len(realms) > 1 or not numbered:
        raise UnreadableFile(name, 0, SEVERAL)
    return [numbered[number] for number in sorted(numbered)]


def refuse_nested(packed: PackedFile, name: str) -> PackedFile:
    """Returns the file. Raises UnreadableFile if it is an archive too."""
    file = packed.open()
    signature = file.read(len(ZIP_SIGNATURE))
    file.seek(0)
    if signature.startswith(ARCHIVE_SIGNATURES):
        raise UnreadableFile(name, 0, NESTED.format(entry=packed.name[:60]))
    return packed
