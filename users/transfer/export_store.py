"""Pieces of exported files: packed, read back, and without the row of somebody who is erased."""

import zlib
from array import array
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import transaction
from django.utils import timezone

from users.jobs.models import ENDED_STATES, Job
from users.transfer.models import Export, ExportPiece

ZLIB_LEVEL = 4  # of zlib: 6 % larger than the default, and made in 57 % of the time
DELETE_BATCH = 20  # pieces of a megabyte or so

EncodedRows = list[tuple[int, bytes]]


def pack_rows(rows: EncodedRows) -> dict[str, Any]:
    """Columns of a piece for rows in the order of their ids; at least one."""
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
    index = zlib.decompress(piece.index)
    content = zlib.decompress(piece.content)
    ids = array("q")
    lengths = array("I")
    ids.frombytes(index[: piece.rows * ids.itemsize])
    lengths.frombytes(index[piece.rows * ids.itemsize :])
    rows = []
    at = 0
    for pk, length in zip(ids, lengths, strict=True):
        rows.append((pk, content[at : at + length]))
        at += length
    return rows


def read_export(export: Export) -> Iterator[bytes]:
    """One piece in memory at a time."""
    last = 0
    while (
        piece := export.pieces.filter(last__gt=last)
        .order_by("last")
        .only("export", "last", "content")
        .first()
    ):
        last = piece.last
        yield zlib.decompress(piece.content)


def remove_export(export: Export) -> None:
    """The file goes; that there was one stays."""
    Export.objects.filter(pk=export.pk, removed_at=None).update(removed_at=timezone.now())
    while some := list(export.pieces.order_by("last").values_list("pk", flat=True)[:DELETE_BATCH]):
        ExportPiece.objects.filter(pk__in=some).delete()


def forget_exported(account_id: int) -> int:
    """Takes the row of an account out of every file that there is, and removes the files of its
    own; for its erasure, in that transaction. How many rows went.

    A file that is being written waits until then: whatever a chunk reads after it is what is left
    of the account.
    """
    with transaction.atomic():
        live = Export.objects.filter(removed_at=None)
        writing = Job.objects.filter(pk__in=live.values("job_id")).exclude(state__in=ENDED_STATES)
        list(writing.order_by("pk").select_for_update(of=("self",)).values_list("pk"))
        for export in live.filter(job__by=account_id):
            remove_export(export)
        return sum(remove_row(export, account_id) for export in live)


def remove_row(export: Export, account_id: int) -> bool:
    holding = export.pieces.filter(last__gte=account_id).order_by("last")
    piece = holding.select_for_update(of=("self",)).first()
    if piece is None or piece.first > account_id:
        return False
    rows = unpack_rows(piece)
    left = [row for row in rows if row[0] != account_id]
    if len(left) == len(rows):
        return False
    if left:
        ExportPiece.objects.filter(pk=piece.pk).update(
            **pack_rows(left) | {"first": piece.first, "last": piece.last}
        )
    else:
        ExportPiece.objects.filter(pk=piece.pk).delete()
    return True


def encode_rows(rows: Iterable[tuple[int, str]]) -> EncodedRows:
    return [(pk, row.encode()) for pk, row in rows]
