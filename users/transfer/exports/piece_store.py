"""Stores the parts of exported files: compresses and reads them, and removes the row of an erased
account.
"""

import zlib
from array import array
from collections.abc import Container, Iterable, Iterator
from typing import Any

from django.db import transaction

from users.database.clock import current_time
from users.jobs.models import ENDED_STATES, Job
from users.transfer.models import Export, ExportPiece

ZLIB_LEVEL = 4  # 6 % larger than with the default level, in 57 % of the time
DELETE_BATCH = 20  # parts, of about a megabyte each
EncodedRows = list[tuple[int, bytes]]  # ids of accounts, or of what the file is about, with rows
# The kind of the jobs whose rows have the ids of accounts.
ACCOUNT_EXPORT = "export"


def pack_rows(rows: EncodedRows) -> dict[str, Any]:
    """Returns the columns of an ExportPiece for one or more rows, which are in the order of their
    ids.
    """
    ids = array("q", (pk for pk, _ in rows))
    lengths = array("I", (len(row) for _, row in rows))
    content = b"".join(row for _, row in rows)
    return {
        "first": ids[0],
        "last": ids[-1],
        "rows": len(rows),
        "size": len(content),
        "content": zlib.compress(content, ZLIB_LEVEL),
        "index": zlib.compress(ids.tobytes() + lengths.tobytes(), ZLIB_LEVEL),
    }


def unpack_rows(piece: ExportPiece) -> EncodedRows:
    """Returns the rows of a stored part."""
    index = zlib.decompress(piece.index)
    content = zlib.decompress(piece.content)
    ids = array("q")
    lengths = array("I")
    ids.frombytes(index[: piece.rows * ids.itemsize])
    lengths.frombytes(index[piece.rows * ids.itemsize :])
    rows = []
    start = 0
    for pk, length in zip(ids, lengths, strict=True):
        rows.append((pk, content[start : start + length]))
        start += length
    return rows


def read_export(export: Export) -> Iterator[bytes]:
    """Yields the content of the file, with one stored part in memory at a time."""
    pieces = export.pieces.order_by("last").only("export", "last", "content")
    last = 0
    while piece := pieces.filter(last__gt=last).first():
        last = piece.last
        yield zlib.decompress(piece.content)


def remove_export(export: Export) -> None:
    """Deletes the content of the file. Its row stays and has the time of the removal."""
    Export.objects.filter(pk=export.pk, removed_at=None).update(removed_at=current_time())
    left = export.pieces.order_by("last").values_list("pk", flat=True)
    while batch := list(left[:DELETE_BATCH]):
        ExportPiece.objects.filter(pk__in=batch).delete()


def forget_exported(account_id: int) -> int:
    """Removes the row of an account from every stored file, and the account's own files. Returns
    the number of removed rows. Call it in the transaction of the erasure.

    It locks the jobs that are writing a file, so that their next chunk reads the erased account.
    """
    with transaction.atomic():
        live = Export.objects.filter(removed_at=None).select_related("job")
        writing = Job.objects.filter(pk__in=live.values("job_id")).exclude(state__in=ENDED_STATES)
        list(writing.order_by("pk").select_for_update(of=("self",)).values_list("pk"))
        for export in live.filter(job__by=account_id):
            remove_export(export)
        accounts = live.filter(job__kind=ACCOUNT_EXPORT)
        return sum(remove_row(export, account_id) for export in accounts)


def remove_row(export: Export, account_id: int) -> bool:
    """Removes the row of an account from one file. Returns False if the file has none."""
    holding = export.pieces.filter(last__gte=account_id).order_by("last")
    piece = holding.select_for_update(of=("self",)).first()
    if piece is None or piece.first > account_id:
        return False
    return drop_rows(piece, {account_id})


def drop_rows(piece: ExportPiece, ids: Container[int]) -> bool:
    """Removes the rows with these ids from a locked part of a file. Returns False if it has
    none.
    """
    rows = unpack_rows(piece)
    left = [row for row in rows if row[0] not in ids]
    if len(left) == len(rows):
        return False
    stored = ExportPiece.objects.filter(pk=piece.pk)
    if left:
        bounds = {"first": piece.first, "last": piece.last}
        stored.update(**pack_rows(left) | bounds)
    else:
        stored.delete()
    return True


def encode_rows(rows: Iterable[tuple[int, str]]) -> EncodedRows:
    """Returns the rows encoded in UTF-8."""
    return [(pk, row.encode()) for pk, row in rows]
