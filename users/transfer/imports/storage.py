"""Stores uploaded files in compressed pieces and reads them, with a few pieces in memory."""

import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from io import BufferedReader, RawIOBase
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.db import transaction

from users.database.clock import current_time
from users.exceptions import JobRefused
from users.formats import UnreadableFile
from users.transfer.models import ImportClaim, ImportFile, ImportPiece

PIECE_BYTES = 1024 * 1024
PIECES_CACHED = 4
# Earlier uploads of the same content that a page names.
EARLIER_SHOWN = 3
ZLIB_LEVEL = 4  # as in users/transfer/exports/piece_store.py
NAME_MAX = 255
# A file is readable by others once it is complete; until then it may be the remains of a request
# that was cut off.
INCOMPLETE_HOURS = 1
NO_CONTENT = "The file is empty."
CONTENT_REMOVED = "The content of this file was removed. Upload it again."
STILL_USED = "Job {} is working on this file. Wait for it, or cancel it first."
Stage = ImportPiece.Stage


def store_upload(stream: Iterable[bytes], name: str, by: Any) -> ImportFile:
    """Stores a file whose bytes come from `stream` and returns it. Raises UnreadableFile for an
    empty or too large one, of which nothing is left.

    It is no transaction, since a slow upload would keep one open. The digest is stored last, so
    that a file without one is incomplete.
    """
    file = ImportFile.objects.create(
        by_id=by.pk,
        by_text=str(by)[:255],
        name=file_name(name),
        expires_at=current_time() + timedelta(hours=INCOMPLETE_HOURS),
    )
    try:
        store_bytes(file, stream)
    except BaseException:
        file.pieces.all().delete()
        file.delete()
        raise
    return file


def store_bytes(file: ImportFile, stream: Iterable[bytes]) -> None:
    """Stores the pieces of a file, then its size and digest. Raises UnreadableFile."""
    digest = sha256()
    size = 0
    for content in split_stream(stream):
        digest.update(content)
        store_raw_piece(file, size, content)
        size += len(content)
        if size > settings.IMPORT_MAX_MB * 1024 * 1024:
            limit = f"{settings.IMPORT_MAX_MB:,} MB"
            reason = f"The file is larger than {limit}. Compress it with gzip or split it."
            raise UnreadableFile(file.name, 0, reason)
    if not size:
        raise UnreadableFile(file.name, 0, NO_CONTENT)
    file.size = size
    file.sha256 = digest.hexdigest()
    file.expires_at = import_deadline()
    file.save(update_fields=["size", "sha256", "expires_at"])


def split_stream(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the bytes of the stream in blocks of PIECE_BYTES; the last one may be shorter."""
    waiting = bytearray()
    for content in stream:
        waiting += content
        while len(waiting) >= PIECE_BYTES:
            yield bytes(waiting[:PIECE_BYTES])
            del waiting[:PIECE_BYTES]
    if waiting:
        yield bytes(waiting)


def store_raw_piece(file: ImportFile, start: int, content: bytes) -> None:
    ImportPiece.objects.create(
        file=file,
        stage=Stage.RAW,
        number=start,
        rows=len(content),
        content=zlib.compress(content, ZLIB_LEVEL),
    )


def file_name(name: str) -> str:
    """Returns the name of an uploaded file as it is stored: without folders and characters that
    nobody can see.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    shown = "".join(filter(str.isprintable, last)).strip()
    return shown[:NAME_MAX] or "file"


def import_deadline() -> datetime:
    """Returns the time until which a file is kept from now on."""
    return current_time() + timedelta(days=settings.IMPORT_DAYS)


class UploadReader(RawIOBase):
    """The bytes of an upload, which are read when they are needed."""

    def __init__(self, file: ImportFile):
        super().__init__()
        self.file = file
        self.position = 0
        # The newest PIECES_CACHED pieces by their start.
        self.cached: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = 0) -> int:
        origin = (0, self.position, self.file.size)[whence]
        self.position = max(origin + offset, 0)
        return self.position

    def readinto(self, buffer: Any) -> int:
        if self.position >= self.file.size:
            return 0
        offset = self.position % PIECE_BYTES
        content = self.piece(self.position - offset)
        part = memoryview(content)[offset : offset + len(buffer)]
        buffer[: len(part)] = part
        self.position += len(part)
        return len(part)

    def piece(self, start: int) -> bytes:
        """Returns the bytes of a piece. Raises UnreadableFile if it was removed."""
        if start in self.cached:
            self.cached.move_to_end(start)
            return self.cached[start]
        stored = self.file.pieces.filter(stage=Stage.RAW, number=start)
        content = stored.values_list("content", flat=True).first()
        if content is None:
            raise UnreadableFile(self.file.name, 0, CONTENT_REMOVED)
        self.cached[start] = zlib.decompress(content)
        if len(self.cached) > PIECES_CACHED:
            self.cached.popitem(last=False)
        return self.cached[start]


def open_upload(file: ImportFile) -> BinaryIO:
    """Returns the upload as a seekable file. It needs the memory of a few pieces."""
    return cast(BinaryIO, BufferedReader(UploadReader(file)))


def earlier_uploads(file: ImportFile) -> list[ImportFile]:
    """Returns the newest earlier files with the same content, newest first."""
    same = ImportFile.objects.filter(sha256=file.sha256, pk__lt=file.pk).exclude(sha256="")
    return list(same.select_related("job").order_by("-pk")[:EARLIER_SHOWN])


def remove_upload(file: ImportFile) -> None:
    """Removes all that is stored of the content. Raises JobRefused while a job works on it."""
    with transaction.atomic():
        file = ImportFile.objects.select_for_update(of=("self",)).get(pk=file.pk)
        refuse_while_used(file)
        remove_content(file)


def refuse_while_used(file: ImportFile) -> None:
    """Raises JobRefused while a job works on the file."""
    for job in filter(None, (file.check_job, file.job)):
        if not job.has_ended:
            raise JobRefused(STILL_USED.format(job.pk))


def remove_content(file: ImportFile) -> None:
    """Removes the content of a locked file."""
    drop_pieces(file, *Stage.values)
    file.sample = []
    file.suggested = {}
    file.options = without_secrets(file.options)
    file.removed_at = current_time()
    names = [
        "sample",
        "suggested",
        "options",
        "removed_at",
    ]
    file.save(update_fields=names)


def without_secrets(options: dict[str, Any]) -> dict[str, Any]:
    """Returns reading options without the key of a Firebase project, which nothing needs once the
    file has been read.
    """
    return {name: value for name, value in options.items() if name != "hash_parameters"}


def drop_pieces(file: ImportFile, *stages: str) -> None:
    """Deletes the pieces of these stages, and the claims of a check."""
    file.pieces.filter(stage__in=stages).delete()
    claims = ImportClaim.objects.filter(file_id=file.pk)
    claims._raw_delete(claims.db)


def remove_expired_imports() -> int:
    """Removes the content of expired files that no job works on. Returns their number."""
    expired = ImportFile.objects.filter(removed_at=None, expires_at__lte=current_time())
    number = 0
    for file in expired.order_by("pk").select_related("check_job", "job"):
        try:
            remove_upload(file)
        except JobRefused:
            continue
        number += 1
    return number
