"""Pasted lists: created, read and deleted by their owner, and deleted when they expire."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import QueryDict
from django.shortcuts import get_object_or_404

from users import access
from users.audit.record import record_event
from users.database.clock import current_time
from users.database.row_writes import insert_values
from users.directory.lists.lookup import Candidates, look_up_lines
from users.directory.lists.models import NAME_MAX, LineKind, PastedList, PastedListLine
from users.directory.lists.typed_lines import TypedLines
from users.jobs.models import ENDED_STATES, Job
from users.models import User
from users.web.csv_text import BYTE_ORDER_MARK, LINE_WRITER, MARK_COLUMN, guard_row

LISTS_PER_OWNER = 50
LINE_COLUMNS = ("pasted_list_id", "number", "text", "outcome", "account_id", "candidates")
# Lines that are read at once for a file.
FILE_CHUNK = 2000
Outcome = PastedListLine.Outcome
# The files of a list by name, with the outcomes of their lines.
FILES = {
    "found": (Outcome.FOUND, Outcome.REPEATED),
    "ambiguous": (Outcome.AMBIGUOUS,),
    "not-found": (Outcome.MISSING,),
}
FILE_HEADINGS = {
    "found": ("line", "text", "account_id"),
    "ambiguous": ("line", "text", "account_ids"),
    "not-found": ("line", "text"),
}


def create_list(typed: TypedLines, *, by: User, kind: LineKind, name: str = "") -> PastedList:
    """Looks up the lines, stores them with what was found, and returns the list. Raises
    ValidationError if the person has too many lists.
    """
    access.require(by, "view")
    if own_lists(by).count() >= LISTS_PER_OWNER:
        message = f"You already have {LISTS_PER_OWNER} lists. Delete one you don’t need."
        raise ValidationError(message)
    if kind == LineKind.ANY:
        kind = typed.kind
    texts = [text for _, text in typed.lines]
    candidates = look_up_lines(texts, kind)
    now = current_time()
    pasted = PastedList(
        owner=by,
        name=name[:NAME_MAX],
        column=typed.column,
        kind=kind,
        size=len(typed.lines),
        created_at=now,
        expires_at=now + timedelta(days=settings.LIST_DAYS),
    )
    insert_list(pasted, typed.lines, candidates)
    return pasted


def insert_list(
    pasted: PastedList,
    lines: list[tuple[int, str]],
    candidates: Candidates,
) -> None:
    """Stores a new list with its lines and its event."""
    with transaction.atomic():
        pasted.save()
        rows = line_rows(pasted.pk, lines, candidates)
        insert_values(PastedListLine, LINE_COLUMNS, rows)
        counts = count_line_outcomes(pasted)
        record_event(
            "list.created",
            actor=pasted.owner,
            after={"list": pasted.pk, **counts},
        )


def line_rows(
    list_id: int,
    lines: list[tuple[int, str]],
    candidates: Candidates,
) -> Iterator[tuple[Any, ...]]:
    """Yields the values of LINE_COLUMNS for each line."""
    seen: set[int] = set()
    for (number, text), ids in zip(lines, candidates, strict=True):
        outcome = line_outcome(ids, seen)
        account_id = None
        others = ""
        if outcome == Outcome.FOUND:
            account_id = ids[0]
            seen.add(account_id)
        elif ids:
            others = f",{','.join(map(str, ids))},"
        yield (
            list_id,
            number,
            text,
            outcome.value,
            account_id,
            others,
        )


def line_outcome(ids: tuple[int, ...], seen: set[int]) -> PastedListLine.Outcome:
    """Returns the outcome of a line with these candidates. `seen`: accounts of earlier lines."""
    if not ids:
        return Outcome.MISSING
    if len(ids) > 1:
        return Outcome.AMBIGUOUS
    if ids[0] in seen:
        return Outcome.REPEATED
    return Outcome.FOUND


def own_lists(viewer: User) -> QuerySet[PastedList]:
    """Returns the viewer's lists, newest first."""
    return PastedList.objects.filter(owner=viewer).order_by("-pk")


def get_own_list(viewer: User, pk: int) -> PastedList:
    """Returns one of the viewer's lists. Raises Http404 for any other, so that nobody learns which
    there are.
    """
    access.require(viewer, "view")
    return get_object_or_404(own_lists(viewer), pk=pk)


def count_line_outcomes(pasted: PastedList) -> dict[str, int]:
    """Returns the number of lines by outcome, with 0 for those that no line has."""
    lines = pasted.lines.order_by()
    groups = lines.values_list("outcome").annotate(Count("pk"))
    counts = dict.fromkeys(Outcome.values, 0)
    counts.update(groups)
    return counts


def first_lines(pasted: PastedList, outcome: str, limit: int) -> list[PastedListLine]:
    """Returns the first lines with this outcome."""
    lines = pasted.lines.filter(outcome=outcome)
    return list(lines.order_by("pk")[:limit])


def file_lines(pasted: PastedList, name: str) -> Iterator[str]:
    """Yields the lines of a CSV file, which may be pasted or uploaded again."""
    headings = FILE_HEADINGS[name]
    yield BYTE_ORDER_MARK + LINE_WRITER.writerow([*headings, MARK_COLUMN])
    wanted = pasted.lines.filter(outcome__in=FILES[name])
    after = 0
    while lines := list(wanted.filter(pk__gt=after).order_by("pk")[:FILE_CHUNK]):
        after = lines[-1].pk
        for line in lines:
            cells = [
                str(line.number),
                line.text,
                " ".join(map(str, line.account_ids)),
            ]
            row = guard_row(cells[: len(headings)])
            yield LINE_WRITER.writerow(row)


def jobs_with_list(pk: int) -> list[int]:
    """Returns the ids of unfinished jobs whose selection has the list."""
    unfinished = Job.objects.exclude(state__in=ENDED_STATES)
    jobs = unfinished.filter(selection__contains="list=").order_by("pk")
    found = []
    for job in jobs.only("pk", "selection"):
        selection = QueryDict(job.selection)
        if selection.get("list") == str(pk):
            found.append(job.pk)
    return found


def delete_list(pasted: PastedList) -> None:
    """Deletes a list with its lines in one transaction, so that no list is ever incomplete."""
    with transaction.atomic():
        lines = PastedListLine.objects.filter(pasted_list=pasted)
        lines._raw_delete(lines.db)
        PastedList.objects.filter(pk=pasted.pk).delete()


def delete_expired_list() -> int:
    """Deletes the oldest expired list that no unfinished job has. Returns the number of deleted
    lists: 1 or 0.
    """
    expired = PastedList.objects.filter(expires_at__lt=current_time())
    for pasted in expired.order_by("expires_at", "pk"):
        if not jobs_with_list(pasted.pk):
            delete_list(pasted)
            return 1
    return 0
