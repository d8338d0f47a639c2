"""Stores the rows of a file, and the outcomes of those that were rejected, in compressed pieces of
JSON lines.

A row keeps its number and its line when it is erased, so that all rows remain counted.
"""

import json
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Any

from django.conf import settings
from django.db.models import F

from users.email_addresses import identifier_key
from users.formats import ImportRecord
from users.identifiers import LARGEST_ID
from users.transfer.imports.outcomes import (
    AMBIGUOUS,
    CREATED,
    IMPORT_OUTCOMES,
    REJECTED,
    UPDATED,
    RowOutcome,
)
from users.transfer.imports.storage import ZLIB_LEVEL
from users.transfer.models import ImportFile, ImportPiece

ERASED_ROW = "This row was about someone who has been erased since."
# Fields whose values identify the person that a row is about.
NAME_FIELDS = ("username", "email", "source_id")
# Keys of counts in a piece: of rows that wait for a name, and of existing accounts that get their
# first password.
WAITING = "waiting"
FIRST_PASSWORDS = "first_passwords"
Stage = ImportPiece.Stage


@dataclass(frozen=True)
class RejectedRow:
    """A row that was not imported, or would not be."""

    number: int
    line: int
    # "rejected" or "ambiguous".
    kind: str
    account_id: int | None
    reason: str
    # Whether the row does not fit its file: the columns, or an earlier row with its key.
    misfit: bool
    # The cells in the order of the columns; None if they are not known.
    cells: list[str] | None
    # Whether a later row may free a name that it needs.
    is_waiting: bool = False


def pack_lines(lines: Iterable[Any]) -> bytes:
    """Returns values as compressed JSON lines. Lone surrogates stay what they are."""
    texts = [json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines]
    return zlib.compress("\n".join(texts).encode("utf-8", "surrogatepass"), ZLIB_LEVEL)


def unpack_lines(content: bytes | memoryview) -> list[Any]:
    """Returns the values that `pack_lines` has stored."""
    text = zlib.decompress(content).decode("utf-8", "surrogatepass")
    return [json.loads(line) for line in text.split("\n") if line]


# --- rows -----------------------------------------------------------------------------------------


def write_row_piece(file: ImportFile, first: int, records: list[ImportRecord]) -> None:
    """Stores the records as the rows from number `first` on."""
    ImportPiece.objects.create(
        file=file,
        stage=Stage.ROWS,
        number=first,
        rows=len(records),
        content=pack_lines(row_line(file, record) for record in records),
    )


def row_line(file: ImportFile, record: ImportRecord) -> list[Any]:
    """Returns a record as it is stored: its line, its cells and, if it does not fit the columns,
    the reason.
    """
    if record.misfit:
        return [record.line, known_cells(file, record), record.misfit]
    return [record.line, record_cells(file, record)]


def record_cells(file: ImportFile, record: ImportRecord) -> list[str]:
    """Returns the cells of a record in the order of the columns."""
    return [record.values.get(column, "") for column in file.columns]


def known_cells(file: ImportFile, record: ImportRecord) -> list[str] | None:
    """Returns the cells of a record as far as they could be read; None if they could not."""
    cells = record_cells(file, record)
    return cells if any(cells) else None


def read_records(file: ImportFile, first: int, last: int) -> list[ImportRecord]:
    """Returns the records of the rows from number `first` to `last`."""
    stored = file.pieces.filter(stage=Stage.ROWS, number__lte=last)
    pieces = stored.filter(number__gt=first - F("rows")).order_by("number")
    records = []
    for piece in pieces:
        for number, line in enumerate(unpack_lines(piece.content), piece.number):
            if first <= number <= last:
                records.append(stored_record(file, line))
    return records


def stored_record(file: ImportFile, line: list[Any]) -> ImportRecord:
    """Returns the record of a stored row."""
    number, cells, *misfit = line
    values = dict(zip(file.columns, cells, strict=True)) if cells else {}
    return ImportRecord(number, values, *misfit)


# --- outcomes -------------------------------------------------------------------------------------


def write_outcomes(
    file: ImportFile,
    stage: str,
    *,
    first: int,
    rejected: list[RejectedRow],
    counts: dict[str, Any],
    names: bytes,
) -> None:
    """Stores the outcomes of the rows from number `first` on: the rejected ones, and how many there
    are of each kind.
    """
    ImportPiece.objects.create(
        file=file,
        stage=stage,
        number=first,
        rows=sum(counts[kind] for kind in IMPORT_OUTCOMES),
        counts=counts,
        content=pack_lines(map(rejected_line, rejected)),
        names=names,
    )


def rejected_line(row: RejectedRow) -> list[Any]:
    """Returns a rejected row as it is stored."""
    line = [
        row.number,
        row.line,
        row.kind,
        row.account_id,
        row.reason,
        row.misfit,
        row.cells,
    ]
    return [*line, True] if row.is_waiting else line


def rejected_rows(
    file: ImportFile,
    stage: str,
    after: int = 0,
    until: int = LARGEST_ID,
) -> Iterator[RejectedRow]:
    """Yields the rejected rows with numbers above `after` up to `until`, with one piece in memory
    at a time.
    """
    pieces = file.pieces.filter(stage=stage, number__lte=until).order_by("number")
    later = pieces.filter(number__gt=after - F("rows")).values_list("pk", flat=True)
    for pk in list(later):
        content = ImportPiece.objects.filter(pk=pk).values_list("content", flat=True).first()
        for line in unpack_lines(content) if content else ():
            row = RejectedRow(*line)
            if after < row.number <= until:
                yield row


def rejected_between(file: ImportFile, first: int, last: int) -> dict[int, RejectedRow]:
    """Returns the rows that the check has rejected, by number, from `first` to `last`."""
    rows = rejected_rows(
        file,
        Stage.CHECKED,
        first - 1,
        last,
    )
    return {row.number: row for row in rows}


def result_stage(file: ImportFile) -> str:
    """Returns the stage with the newest outcomes: of the import, or else of the check."""
    return Stage.IMPORTED if file.job_id else Stage.CHECKED


def count_row_outcomes(outcomes: Iterable[RowOutcome]) -> dict[str, Any]:
    """Returns the number of RowOutcomes by kind, and of passwords by kind of hash. Ambiguous rows
    also count as rejected. A new account without a password has the kind "".
    """
    kinds: Counter[str] = Counter()
    passwords: Counter[str] = Counter()
    waiting = 0
    first_passwords = 0
    for outcome in outcomes:
        kinds[outcome.kind] += 1
        waiting += outcome.is_waiting
        first_passwords += outcome.kind == UPDATED and bool(outcome.password_kind)
        if outcome.kind == CREATED or outcome.password_kind:
            passwords[outcome.password_kind] += 1
    counts: dict[str, Any] = {kind: kinds[kind] for kind in (*IMPORT_OUTCOMES, AMBIGUOUS)}
    counts[REJECTED] += counts[AMBIGUOUS]
    return counts | {
        "passwords": dict(passwords),
        FIRST_PASSWORDS: first_passwords,
        WAITING: waiting,
    }


def add_up_counts(file: ImportFile, stage: str) -> dict[str, Any]:
    """Returns the sums of all counts of a stage, `read`, the number of rows, and `skipped`, the
    records that are no rows, as the check has counted them.
    """
    totals: Counter[str] = Counter()
    passwords: Counter[str] = Counter()
    pieces = file.pieces.filter(stage=stage).order_by("number")
    for counts in pieces.values_list("counts", flat=True):
        passwords.update(counts.get("passwords", {}))
        totals.update({kind: counts[kind] for kind in (*IMPORT_OUTCOMES, AMBIGUOUS)})
        # Pieces of an earlier release have none.
        totals[FIRST_PASSWORDS] += counts.get(FIRST_PASSWORDS, 0)
    sums = {kind: totals[kind] for kind in (*IMPORT_OUTCOMES, AMBIGUOUS)}
    read = sum(sums[kind] for kind in IMPORT_OUTCOMES)
    return {
        "read": read,
        **sums,
        "passwords": dict(passwords),
        FIRST_PASSWORDS: totals[FIRST_PASSWORDS],
        "skipped": file.totals.get("skipped", {}),
    }


# --- names of people ------------------------------------------------------------------------------


def digest_value(
    file_id: int,
    kind: str,
    value: str,
    secret: str | None = None,
) -> int:
    """Returns a keyed digest of 64 bits, with a sign as databases store it."""
    key = site_digest_key(settings.SECRET_KEY if secret is None else secret)
    text = f"{file_id}:{kind}={value}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8, key=key).digest(), "big", signed=True)


@lru_cache(maxsize=10)
def site_digest_key(secret: str) -> bytes:
    """Returns the key of digests under a key of the site."""
    return sha256(b"users.transfer.imports" + secret.encode()).digest()


def pack_names(file: ImportFile, rows: Iterable[tuple[int, dict[str, Any]]]) -> bytes:
    """Returns the numbers of rows with the digests of their names. `rows`: numbers and values."""
    packed = array("q")
    for number, values in rows:
        packed.append(number)
        packed.extend(name_digests(file.pk, values))
    return zlib.compress(packed.tobytes(), 1)


def name_digests(file_id: int, values: dict[str, Any]) -> list[int]:
    """Returns the digests of a row's names; 0 for one that it does not have."""
    digests = []
    for name in NAME_FIELDS:
        value = str(values.get(name) or "")
        key = name_key(name, value)
        digests.append(digest_value(file_id, name, key) if key else 0)
    return digests


def name_key(field: str, value: str) -> str:
    """Returns a name as it is compared."""
    return value if field == "source_id" else identifier_key(value)


def find_named(piece: ImportPiece, digests: set[int]) -> set[int]:
    """Returns the numbers of the rows in a piece that have one of these digests of names."""
    packed = array("q")
    packed.frombytes(zlib.decompress(piece.names) if piece.names else b"")
    width = len(NAME_FIELDS) + 1
    found = set()
    for start in range(0, len(packed), width):
        if not digests.isdisjoint(packed[start + 1 : start + width]):
            found.add(packed[start])
    return found
