"""Pasted lists: created, read and deleted by their owner, and deleted when they expire."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import Http404, QueryDict

from users import access
from users.audit.record import record_event
from users.database.clock import current_time
from users.database.row_writes import insert_values
from users.directory.lists.lookup import Candidates, look_up_lines
from users.directory.lists.models import NAME_MAX, LineKind, PastedList, PastedListLine
from users.directory.lists.typed_lines import TypedLines
from users.identifiers import LARGEST_ID
from users.jobs.models import ENDED_STATES, Job
from users.models import User
from users.web.csv_text import BYTE_ORDER_MARK, LINE_WRITER, escape_formula

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
    lists = PastedList.objects.filter(owner=by)
    if lists.count() >= LISTS_PER_OWNER:
        message = f"You already have {LISTS_PER_OWNER} lists. Delete one you don’t need."
        raise ValidationError(message)
    kind = typed.kind if kind == LineKind.ANY else kind
    candidates = look_up_lines([text for _, text in typed.lines], kind)
    with transaction.atomic():
        pasted = PastedList.objects.create(
            owner=by,
            name=name[:NAME_MAX],
            column=typed.column,
            kind=kind,
            size=len(typed.lines),
            created_at=current_time(),
            expires_at=current_time() + timedelta(days=settings.LIST_DAYS),
        )
        rows = list(line_rows(pasted.pk, typed.lines, candidates))
        insert_values(PastedListLine, LINE_COLUMNS, rows)
        counts = Counter(str(row[3]) for row in rows)
        record_event("list.created", actor=by, after={"list": pasted.pk, **counts})
    return pasted


def line_rows(
    list_id: int, lines: list[tuple[int, str]], candidates: Candidates
) -> Iterator[tuple[Any, ...]]:
    """Yields the values of LINE_COLUMNS for each line."""
    seen: set[int] = set()
    for (number, text), ids in zip(lines, candidates, strict=True):
        outcome = line_outcome(ids, seen)
        account_id = ids[0] if outcome == Outcome.FOUND else None
        others = "" if account_id else join_candidates(ids)
        if account_id:
            seen.add(account_id)
        yield list_id, number, text, outcome.value, account_id, others


def join_candidates(ids: list[int]) -> str:
    """Returns ids as the column `candidates` holds them."""
    return f",{','.join(map(str, ids))}," if ids else ""


def line_outcome(ids: list[int], seen: set[int]) -> PastedListLine.Outcome:
    """Returns the outcome of a line with these candidates. `seen`: accounts of earlier lines."""
    if len(ids) > 1:
        return Outcome.AMBIGUOUS
    if not ids:
        return Outcome.MISSING
    return Outcome.REPEATED if ids[0] in seen else Outcome.FOUND


def own_lists(viewer: User) -> QuerySet[PastedList]:
    """Returns the viewer's lists, newest first."""
    return PastedList.objects.filter(owner=viewer).order_by("-pk")


def get_own_list(viewer: User, pk: int) -> PastedList:
    """Returns one of the viewer's lists. Raises Http404 for any other, so that nobody learns which
    there are.
    """
    access.require(viewer, "view")
    found = own_lists(viewer).filter(pk=pk).first() if 0 < pk <= LARGEST_ID else None
    if found is None:
        raise Http404
    return found


def count_outcomes(pasted: PastedList) -> dict[str, int]:
    """Returns the number of lines by outcome, with 0 for those that no line has."""
    groups = pasted.lines.order_by().values_list("outcome").annotate(Count("pk"))
    return dict.fromkeys(Outcome.values, 0) | dict(groups)


def first_lines(pasted: PastedList, outcome: str, limit: int) -> list[PastedListLine]:
    """Returns the first lines with this outcome."""
    return list(pasted.lines.filter(outcome=outcome).order_by("pk")[:limit])


def file_lines(pasted: PastedList, name: str) -> Iterator[str]:
    """Yields the lines of a CSV file, which may be pasted or uploaded again."""
    yield BYTE_ORDER_MARK + LINE_WRITER.writerow(FILE_HEADINGS[name])
    wanted = pasted.lines.filter(outcome__in=FILES[name]).order_by("pk")
    after = 0
    while lines := list(wanted.filter(pk__gt=after)[:FILE_CHUNK]):
        after = lines[-1].pk
        for line in lines:
            ids = " ".join(map(str, line.account_ids))
            cells = [str(line.number), escape_formula(line.text), ids]
            yield LINE_WRITER.writerow(cells[: len(FILE_HEADINGS[name])])


def jobs_with_list(pk: int) -> list[int]:
    """Returns the ids of unfinished jobs whose selection has the list."""
    jobs = Job.objects.exclude(state__in=ENDED_STATES).filter(selection__contains="list=")
    selections = jobs.order_by("pk").values_list("pk", "selection")
    return [job for job, selection in selections if QueryDict(selection).get("list") == str(pk)]


def delete_list(pasted: PastedList) -> None:
    """Deletes a list with its lines in one transaction, so that none is ever a part of itself."""
    with transaction.atomic():
        lines = PastedListLine.objects.filter(pasted_list=pasted)
        lines._raw_delete(lines.db)
        PastedList.objects.filter(pk=pasted.pk).delete()


def delete_expired_list() -> int:
    """Deletes the oldest expired list that no unfinished job has. Returns the number of deleted
    lists: 1 or 0.
    """
    expired = PastedList.objects.filter(expires_at__lt=current_time()).order_by("expires_at", "pk")
    for pasted in expired:
        if not jobs_with_list(pasted.pk):
            delete_list(pasted)
            return 1
    return 0
