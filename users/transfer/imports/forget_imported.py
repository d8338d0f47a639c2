"""Removes a person from uploaded files: their rows, and uploads that nobody has read yet and that
may have such a row.
"""

import json
import zlib
from collections.abc import Iterable
from itertools import product
from typing import Any

from django.conf import settings

from users.forgetting import Erasure, PersonNames
from users.identifiers import fold_identifier
from users.jobs.models import ENDED_STATES, Job
from users.jobs.remarks import Remark
from users.jobs.transitions import (
    add_line,
    enter_state,
    record_job_event,
)
from users.privacy.search_terms import past_values
from users.transfer.imports.person_rows import PersonRows
from users.transfer.imports.storage import remove_content
from users.transfer.imports.stored_rows import (
    ERASED_ROW,
    digest_value,
    find_named,
    name_key,
    pack_lines,
    unpack_lines,
)
from users.transfer.models import (
    ImportFile,
    ImportPiece,
    SavedMapping,
)

REMOVED = "The content was removed because of an erasure. Upload the file again."
# How archives and workbooks begin, in which no text can be found.
ARCHIVE_STARTS = (b"PK", b"\x1f\x8b", b"\xd0\xcf")
TEXT_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
# Characters. Shorter values occur in ordinary words.
MIN_NEEDLE = 3
# The fields that identify a person, and those with whose digests an address or a username is
# compared: a username may be an address.
SEARCHED_FIELDS = (
    "username",
    "email",
    "source_id",
    "phone",
)
NAMED_BY = {
    "username": ("username", "email"),
    "email": ("username", "email"),
    "source_id": ("source_id",),
}
Stage = ImportPiece.Stage


def forget_imported(erasure: Erasure) -> None:
    """Removes the account's rows from all files, its own files, and its saved mappings. Call it in
    the transaction of the erasure.
    """
    pk = erasure.account.pk
    SavedMapping.objects.filter(by=pk).delete()
    ImportFile.objects.filter(by=pk).update(by_text="")
    files = lock_live_files()
    if not files:
        return
    values = past_values(erasure.account)
    for file in files:
        if file.by_id == pk or may_name(file, values):
            remove_for_erasure(file, erasure.by)
        else:
            blank_rows(file, values, erasure.names)
            blank_sample(file, values, erasure.names)


def lock_live_files() -> list[ImportFile]:
    """Locks the open jobs of all files with content, so that their next chunk reads what is left,
    then the files, so that no further job starts. Returns the files.
    """
    live = ImportFile.objects.filter(removed_at=None).order_by("pk")
    jobs = {pk for pair in live.values_list("check_job", "job") for pk in pair}
    working = Job.objects.filter(pk__in=jobs - {None}).exclude(state__in=ENDED_STATES)
    list(working.order_by("pk").select_for_update(of=("self",)).values_list("pk"))
    return list(live.select_for_update(of=("self",)))


# --- uploads --------------------------------------------------------------------------------------


def may_name(file: ImportFile, values: dict[str, set[str]]) -> bool:
    """Returns whether the bytes of an upload may name the person: it is an archive, or has one of
    the values as text.
    """
    needles = byte_needles(values)
    overlap = max(map(len, needles), default=0)
    raw = file.pieces.filter(stage=Stage.RAW).order_by("number")
    tail: bytes | None = None
    for pk in list(raw.values_list("pk", flat=True)):
        content = ImportPiece.objects.filter(pk=pk).values_list("content", flat=True)[0]
        found = zlib.decompress(content)
        if tail is None and found.startswith(ARCHIVE_STARTS):
            return True
        if not needles:
            return False
        text = (tail or b"") + found.lower()
        if any(needle in text for needle in needles):
            return True
        tail = text[-overlap:]
    return False


def byte_needles(values: dict[str, set[str]]) -> set[bytes]:
    """Returns the person's values in the encodings that files have, also as JSON escapes them."""
    texts = text_needles(values)
    texts |= {json.dumps(text)[1:-1] for text in texts}
    return {text.encode(encoding).lower() for text, encoding in product(texts, TEXT_ENCODINGS)}


def text_needles(values: dict[str, set[str]]) -> set[str]:
    """Returns the values that identify the person, folded."""
    found = set().union(*(values.get(name, set()) for name in SEARCHED_FIELDS))
    return {fold_identifier(text) for text in found if len(text) >= MIN_NEEDLE}


def remove_for_erasure(file: ImportFile, by: Any) -> None:
    """Removes the content of a file and cancels its jobs, which can't go on without it."""
    jobs: set[Any] = {file.check_job_id, file.job_id} - {None}
    for job in Job.objects.filter(pk__in=jobs).exclude(state__in=ENDED_STATES):
        enter_state(job, Job.State.CANCELLED)
        record_job_event(job, "job.cancelled", by)
        add_line(job, Remark("file_removed"))
    file.problem = REMOVED
    file.save(update_fields=["problem"])
    remove_content(file)


# --- rows -----------------------------------------------------------------------------------------


def blank_rows(file: ImportFile, values: dict[str, set[str]], names: PersonNames) -> None:
    """Blanks the person's rows. They keep their numbers and lines."""
    digests = person_digests(file.pk, values)
    rows = PersonRows(names, values).find(file)
    for piece in file.pieces.exclude(names=b"").defer("content").iterator():
        rows |= find_named(piece, digests)
    if not rows:
        return
    for piece in file.pieces.exclude(stage=Stage.RAW).defer("content", "names").iterator():
        if not rows.isdisjoint(range(piece.number, piece.number + piece.rows)):
            blank_piece(piece.pk, rows)


def person_digests(file_id: int, values: dict[str, set[str]]) -> set[int]:
    """Returns the digests that a row of the person may have, under every key of the site."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = set()
    for name, kinds in NAMED_BY.items():
        for value, kind, secret in product(values.get(name, ()), kinds, secrets):
            digests.add(digest_value(file_id, kind, name_key(kind, value), secret))
    return digests


def blank_piece(pk: int, rows: set[int]) -> None:
    """Blanks the rows with these numbers in a piece."""
    piece = ImportPiece.objects.select_for_update(of=("self",)).get(pk=pk)
    lines = unpack_lines(piece.content)
    if piece.stage == Stage.ROWS:
        lines = blank_lines(lines, piece.number, rows)
    else:
        others = [line for line in lines if line[0] not in rows]
        blanked = [blank_outcome(line) for line in lines if line[0] in rows]
        lines = sorted([*others, *blanked])
    piece.content = pack_lines(lines)
    piece.save(update_fields=["content"])


def blank_lines(lines: Iterable[list[Any]], first: int, rows: set[int]) -> list[list[Any]]:
    """Returns the lines of stored rows from number `first` on, without the cells of `rows`."""
    blanked = []
    for number, line in enumerate(lines, first):
        blanked.append([line[0], None, ERASED_ROW] if number in rows else line)
    return blanked


def blank_outcome(line: list[Any]) -> list[Any]:
    """Returns the stored outcome of a row without its account, reason and cells."""
    number, row_line, kind, *_ = line
    return [
        number,
        row_line,
        kind,
        None,
        ERASED_ROW,
        True,
        None,
    ]


def blank_sample(file: ImportFile, values: dict[str, set[str]], names: PersonNames) -> None:
    """Removes the person's rows from the sample."""
    needles = text_needles(values)
    left = []
    for row in file.sample:
        text = json.dumps(row, ensure_ascii=False)
        if not (holds_any(row, needles) or names.identify(text)):
            left.append(row)
    if len(left) < len(file.sample) and isinstance(file.sample, list):
        file.sample = left
        file.save(update_fields=["sample"])


def holds_any(row: Any, needles: set[str]) -> bool:
    """Returns whether a row of a sample has one of the values as text."""
    text = fold_identifier(json.dumps(row, ensure_ascii=False))
    return any(needle in text for needle in needles)
