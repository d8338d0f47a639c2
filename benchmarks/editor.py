"""Accounts on page 1 of the list that are edited through Rollcall's own form, and whether the list
then shows it.
"""

import re
import time
from itertools import count

from benchmarks.cases import LISTS
from benchmarks.client import Answer, Connection
from benchmarks.forms import form_with
from users.models import User

TICKED = re.compile(r'name="ids" value="(\d+)"')
SHOWN = re.compile(r'name="ids" value="(\d+)"[^>]*aria-label="Select Round (\d+)\b')
numbers = count(time.time_ns() // 1_000_000)  # higher than those of any run before


class Ledger:
    """The number that each account was given last, as far as saving it has been confirmed."""

    def __init__(self) -> None:
        self.confirmed: dict[int, int] = {}

    def now(self) -> dict[int, int]:
        return dict(self.confirmed)

    @staticmethod
    def is_stale(page: str, before: dict[int, int]) -> bool:
        """Whether `page` shows less than what was confirmed `before` it was asked for."""
        shown = {int(pk): int(number) for pk, number in SHOWN.findall(page)}
        return any(shown.get(pk, 0) < number for pk, number in before.items())


class Editor:
    """One account, and nobody else edits it: so its form is loaded once, and the next version is
    known.
    """

    def __init__(self, pk: int, ledger: Ledger):
        self.pk = pk
        self.path = f"/users/{pk}/edit/"
        self.ledger = ledger
        self.fields: dict[str, str] = {}

    def edit(self, connection: Connection) -> Answer:
        """Writes the next number into the first name. The answer to the POST, which is 302 when it
        is saved.
        """
        if not self.fields:
            form = connection.get(self.path)
            if form.status != 200:
                return form
            self.fields = dict(form_with("first_name", form.page))
        number = next(numbers)
        answer = connection.post(
            self.path, list((self.fields | {"first_name": f"Round {number}"}).items())
        )
        if answer.status == 302:
            self.ledger.confirmed[self.pk] = number
            self.fields["version"] = str(int(self.fields["version"]) + 1)
        else:
            self.fields = {}
        return answer


def editors(connection: Connection, ledger: Ledger, number: int) -> list[Editor]:
    """Of `number` accounts of page 1. Raises RuntimeError where it has fewer that are active and
    nobody's of the staff.
    """
    listed = TICKED.findall(connection.get(LISTS["rollcall"]).page)
    found = (
        User.objects.filter(pk__in=listed, status="active", is_staff=False)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    if len(found) < number:
        raise RuntimeError(
            f"page 1 of the list has {len(found)} accounts to edit and not {number}."
        )
    return [Editor(pk, ledger) for pk in found[:number]]
