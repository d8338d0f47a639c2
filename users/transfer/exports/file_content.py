"""The content of a stored file for a download, with its size and its checksum."""

import hashlib
import logging
import os
from base64 import b64encode
from collections.abc import Iterator
from functools import partial
from typing import IO, NamedTuple

from django.db import transaction
from django.db.models import Sum

from users.transfer.exports import piece_store
from users.transfer.exports.file_job import file_job, file_job_names
from users.transfer.models import Export

logger = logging.getLogger(__name__)

# Bytes of a converted file in one chunk of a response.
CONVERTED_BYTES = 1 << 16
# Bytes in one row of ExportPart.
PART_BYTES = 1 << 20
# Files that one run of the task finishes.
FINISHED_AT_ONCE = 5


class ExportContent(NamedTuple):
    """A file that can be sent."""

    content: Iterator[bytes]
    size: int
    sha256: str

    @property
    def digest_header(self) -> str:
        """The checksum as the header Repr-Digest has it (RFC 9530)."""
        return f"sha-256=:{b64encode(bytes.fromhex(self.sha256)).decode()}:"


def open_file(export: Export) -> ExportContent:
    """Returns the whole file: stored parts if there are any, or else made of the rows."""
    if export.sha256 and export.size is not None and export.parts.exists():
        return ExportContent(piece_store.read_parts(export), export.size, export.sha256)
    if converted := file_job(export).convert_rows(export):
        return open_converted(converted)
    if not export.sha256 or export.size is None:
        store_row_checksum(export)
    assert export.size is not None  # noqa: S101  for the type checker
    return ExportContent(stream_file(export), export.size, export.sha256)


def open_converted(converted: IO[bytes]) -> ExportContent:
    """Returns the content of a temporary file."""
    converted.seek(0)
    sha256 = hashlib.file_digest(converted, "sha256").hexdigest()  # type: ignore[arg-type]
    size = converted.seek(0, os.SEEK_END)
    converted.seek(0)
    chunks = iter(partial(converted.read, CONVERTED_BYTES), b"")
    return ExportContent(chunks, size, sha256)


def stream_file(export: Export) -> Iterator[bytes]:
    """Yields a file that consists of its rows, one stored part after the other."""
    layout = file_job(export).layout(export, count_file_rows(export))
    yield layout.header
    separator_length = len(layout.separator)
    for content in piece_store.read_export(export, layout.row_end):
        yield content[separator_length:]
        separator_length = 0
    yield layout.footer


def count_file_rows(export: Export) -> int:
    """Returns the number of rows without the headings."""
    return export.pieces.aggregate(rows=Sum("rows"))["rows"] or 0


def count_unmasked_rows(export: Export) -> int:
    """Returns the number of rows with addresses and phone numbers as they are."""
    return export.pieces.filter(masked=False).aggregate(rows=Sum("rows"))["rows"] or 0


def finish_waiting_exports() -> int:
    """Stores the checksums of finished files that have none, and makes workbooks. Returns the
    number of files. A file that fails does not keep back the others; its error is raised at the
    end, so that the run counts as failed.
    """
    waiting = piece_store.live_exports().filter(sha256="", job__kind__in=file_job_names())
    finished = 0
    failure: Exception | None = None
    for export in filter(is_reproducible, waiting.order_by("pk")):
        if finished == FINISHED_AT_ONCE:
            break
        try:
            finished += finish_export(export)
        except Exception as error:
            logger.error("Export %s could not be finished: %s", export.pk, type(error).__name__)
            failure = failure or error
    if failure:
        raise failure
    return finished


def is_reproducible(export: Export) -> bool:
    """Returns whether each download of the file has the same bytes."""
    kind = file_job(export)
    return kind.keeps_converted or not kind.is_converted(export.job)


def finish_export(export: Export) -> bool:
    """Stores the checksum of a finished file. Returns False if an erasure changed it meanwhile."""
    converted = file_job(export).convert_rows(export)
    return store_converted(export, converted) if converted else store_row_checksum(export)


def store_row_checksum(export: Export) -> bool:
    """Computes and stores the checksum of a file that consists of its rows."""
    digest = hashlib.sha256()
    size = 0
    for content in stream_file(export):
        digest.update(content)
        size += len(content)
    export.sha256 = digest.hexdigest()
    export.size = size
    return store_checksum(export)


def store_checksum(export: Export) -> bool:
    """Stores the checksum unless an erasure has changed the file since `export` was loaded."""
    unchanged = Export.objects.filter(
        pk=export.pk,
        revision=export.revision,
        removed_at=None,
    )
    return bool(unchanged.update(sha256=export.sha256, size=export.size))


def store_converted(export: Export, converted: IO[bytes]) -> bool:
    """Stores a converted file in parts and its checksum, unless an erasure has changed its rows."""
    found = open_converted(converted)
    export.sha256 = found.sha256
    export.size = found.size
    converted.seek(0)
    with transaction.atomic():
        if not store_checksum(export):
            return False
        piece_store.write_parts(export, iter(partial(converted.read, PART_BYTES), b""))
    return True
