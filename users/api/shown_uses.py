"""Counts the personal data that programs read, before it is sent (users/meter/).

An answer without content shows nothing: HEAD, and 304 for a program that has the answer already.
"""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

from users.directory.search_uses import names_person, search_subject
from users.meter.checks import count_program_use, count_shown_use
from users.meter.models import UseKind
from users.models import User


@dataclass(frozen=True)
class ShownUse:
    """A use that the answer to this request is. `subject`: what is shown."""

    kind: str
    subject: int
    number: int = 1


def note_use(request: Any, kind: str, subject: int, number: int = 1) -> None:
    """Keeps a use until it is known whether the answer has content."""
    use = ShownUse(kind, subject, number)
    request.shown_uses = [*noted_uses(request), use]


def noted_uses(request: Any) -> list[ShownUse]:
    uses: list[ShownUse] = getattr(request, "shown_uses", [])
    return uses


def note_opening(request: Any, account: User) -> None:
    """Notes that an account of somebody else is shown, or a list that belongs to it."""
    if account.pk != request.user.pk:
        note_use(request, UseKind.OPENING, account.pk)


def note_search(request: Any, query: Any) -> None:
    """Notes a search that names a person."""
    if query.get("q") and names_person(query):
        note_use(request, UseKind.SEARCH, search_subject(query["q"]))


def note_rows(request: Any, response: HttpResponse) -> None:
    """Notes the rows of a list. Content that the program has read before is no new use."""
    row_count: int = getattr(response, "row_count", 0)
    if row_count:
        digest = response["ETag"].strip('W/"')
        # It fits into the column, and is not 0.
        subject = int(digest[:14], 16) + 1
        note_use(request, UseKind.EXPORT, subject, row_count)


def count_noted_uses(request: Any, response: HttpResponse) -> None:
    """Counts what the answer shows. Raises SudoRequired above a limit."""
    # The gateway serves HEAD as GET.
    is_sent = request.META["REQUEST_METHOD"] != "HEAD"
    if response.status_code == 200 and is_sent:
        for use in noted_uses(request):
            count_program_use(request.user, use.kind, subject=use.subject, number=use.number)


def count_proposed_search(viewer: Any, query: Any) -> None:
    """Counts the search in the filter of a job. Raises SudoRequired above the limit."""
    if query.get("q") and names_person(query):
        count_program_use(viewer, UseKind.SEARCH, subject=search_subject(query["q"]))


def count_changed_account(viewer: Any, account: User) -> None:
    """Counts an account that the answer to a change shows, even above the limit."""
    if account.pk != viewer.pk:
        count_shown_use(viewer, UseKind.OPENING, subject=account.pk)
