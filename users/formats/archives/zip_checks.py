"""Checks of ZIP archives before anything in them is read: their size, names and kinds."""

import io
import re
import stat
import struct
import zlib
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from users.formats import UnreadableFile
from users.formats.other_formats import UNPACK_ADVICE, WORKBOOK_ADVICE

ZIP_SIGNATURE = b"PK\x03\x04"
EMPTY_ZIP_SIGNATURE = b"PK\x05\x06"
# The record at the end of an archive (APPNOTE 4.3.16), without its comment.
END_RECORD = struct.Struct("<4s4H2LH")
END_COMMENT_MAX = 65535
# The list of members is read as a whole: some 50,000 of them.
MEMBER_LIST_MAX = 4 * 1024 * 1024  # bytes
# What the standard library raises for damaged archives. NotImplementedError is a RuntimeError.
ARCHIVE_ERRORS = (
    BadZipFile,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)
ENCRYPTED_FLAG = 0x1
# Characters of a name in a message.
SHOWN_MAX = 60
# What a file may grow to when it is unpacked, in bytes.
UNPACKED_MAX = 8 * 1024**3
# Above this size, no ordinary table compresses by more than this factor.
RATIO_FREE = 64 * 1024 * 1024
RATIO_MAX = 150
TOO_LARGE = "This archive is too large when unpacked."
DAMAGED = "This archive is damaged or incomplete."
ODS = f"This is an OpenDocument spreadsheet (.ods). {WORKBOOK_ADVICE}"
OTHER_DOCUMENTS = {
    "xl/workbook.bin": f"This is a binary workbook (.xlsb). {WORKBOOK_ADVICE}",
    "word/document.xml": "This is a Word document. Save the table as CSV or .xlsx.",
    "ppt/presentation.xml": "This is a presentation. Save the table as CSV or .xlsx.",
    "Index/Document.iwa": "This is a Numbers or Pages document. Export it as .xlsx or as CSV.",
    "META-INF/manifest.xml": ODS,
    "content.xml": ODS,
}
# Entries that systems add to archives.
SYSTEM_ENTRY = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\._)")


def open_archive(file: BinaryIO, name: str) -> ZipFile:
    """Returns the archive in a seekable file. Raises UnreadableFile for one that is damaged, too
    large, or unsafe to read.
    """
    try:
        refuse_long_list(file, name)
        archive = ZipFile(file)
    except ARCHIVE_ERRORS as error:
        raise UnreadableFile(name, 0, DAMAGED) from error
    members = archive.infolist()
    packed = sum(member.compress_size for member in members)
    unpacked = sum(member.file_size for member in members)
    refuse_growth(unpacked, packed, name)
    refuse_other_documents(archive.NameToInfo.keys(), name)
    seen: set[str] = set()
    for member in members:
        refuse_unsafe_member(member, seen, name)
    return archive


def refuse_long_list(file: BinaryIO, name: str) -> None:
    """Raises UnreadableFile if the list of members would need much memory."""
    size = file.seek(0, io.SEEK_END)
    start = size - END_RECORD.size - END_COMMENT_MAX
    file.seek(max(0, start))
    end = file.read()
    file.seek(0)
    offset = end.rfind(EMPTY_ZIP_SIGNATURE)
    if offset < 0:
        raise UnreadableFile(name, 0, DAMAGED)
    record = END_RECORD.unpack_from(end, offset)
    # Larger lists, in the 64-bit format, have the largest number here.
    list_size = record[5]
    if list_size > MEMBER_LIST_MAX:
        raise UnreadableFile(name, 0, "This archive has too many files.")


def refuse_growth(unpacked: int, packed: int, name: str) -> None:
    """Raises UnreadableFile if content is too large, or larger than any table of `packed` bytes."""
    if unpacked > UNPACKED_MAX or unpacked > max(RATIO_FREE, packed * RATIO_MAX):
        raise UnreadableFile(name, 0, TOO_LARGE)


def refuse_other_documents(names: Collection[str], name: str) -> None:
    """Raises UnreadableFile for documents of other programs, which are ZIP archives too."""
    for entry, reason in OTHER_DOCUMENTS.items():
        if entry in names:
            raise UnreadableFile(name, 0, reason)


def refuse_unsafe_member(member: ZipInfo, seen: set[str], name: str) -> None:
    """Raises UnreadableFile for a member that is protected, a link, outside the archive, named
    twice, or compressed by an unsupported method. `seen` has the names of those before it.
    """
    entry = member.filename
    if not entry:
        raise UnreadableFile(name, 0, DAMAGED)
    if member.flag_bits & ENCRYPTED_FLAG:
        reason = "This archive is protected by a password. Create it without one."
        raise UnreadableFile(name, 0, reason)
    shown = f"“{entry[:SHOWN_MAX]}”"
    # Some systems separate folders by backslashes.
    path = PurePosixPath(entry.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise UnreadableFile(name, 0, f"This archive has a path outside itself, {shown}.")
    mode = member.external_attr >> 16
    if stat.S_ISLNK(mode):
        raise UnreadableFile(name, 0, f"This archive has a symbolic link, {shown}.")
    if entry in seen:
        raise UnreadableFile(name, 0, f"This archive has two files named {shown}.")
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        reason = f"This archive uses an unsupported compression method. {UNPACK_ADVICE}"
        raise UnreadableFile(name, 0, reason)
    seen.add(entry)


def content_members(archive: ZipFile) -> list[ZipInfo]:
    """Returns the files in an archive, without folders and what systems add."""
    found = []
    for member in archive.infolist():
        is_added = SYSTEM_ENTRY.search(member.filename)
        if not member.is_dir() and not is_added:
            found.append(member)
    return found
