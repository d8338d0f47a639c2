"""Reading the notes about an account: the pinned ones, and pages of all of them, newest first."""

from typing import Any

from django.http import QueryDict

from users.account.models import Note
from users.account.verbs.notes import PINNED_MAX
from users.compiled import Compiled
from users.models import User
from users.parameters import number, only

SIZE = 25


PINNED = Compiled(Note, lambda pk: Note.objects.filter(account=pk, pinned=True).order_by("-id")[:PINNED_MAX])


def pinned(account: User) -> list[Note]:
    return PINNED.objects(account.pk)


def notes(account: User, query: QueryDict) -> dict[str, Any]:
    """A page of notes, and the address of the next one. Raises BadParameter."""
    only(query, "after")
    found = Note.objects.filter(account=account).order_by("-id")
    if after := number("after", query.get("after", "")):
        found = found.filter(pk__lt=after)
    rows = list(found[: SIZE + 1])
    path = f"/users/{account.pk}/notes/"
    return {
        "notes": rows[:SIZE],
        "older": f"{path}?after={rows[SIZE - 1].pk}" if len(rows) > SIZE else "",
        "newest": path if after else "",
    }
