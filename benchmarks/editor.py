"""Edits accounts on page 1 of the list through Rollcall's own form, and checks that the list shows
it.
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
# Higher than those of any earlier run.
numbers = count(time.time_ns() // 1_000_000)


class Ledger:
    """The last number of each account whose saving has been confirmed."""

    def __init__(self) -> None:
        self.confirmed: dict[int, int] = {}

    def now(self) -> dict[int, int]:
        return dict(self.confirmed)

    @staticmethod
    def is_stale(page: str, before: dict[int, int]) -> bool:
        """Whether `page` shows a lower number than was confirmed `before` it was asked for."""
        shown = {int(pk): int(number) for pk, number in SHOWN.findall(page)}
        return any(shown.get(pk, 0) < number for pk, number in before.items())


class Editor:
    """The only editor of one account, who loads its form once and knows the next version."""

    def __init__(self, pk: int, ledger: Ledger):
        self.pk = pk
        self.path = f"/users/{pk}/edit/"
        self.ledger = ledger
        self.fields: dict[str, str] = {}

    def edit(self, connection: Connection) -> Answer:
        """Writes the next number into the first name. Returns the answer to the POST, which is 302
        if it was saved.
        """
        if not self.fields:
            form = connection.get(self.path)
            if form.status != 200:
                return form
            self.fields = dict(form_with("first_name", form.page))
        number = next(numbers)
        fields = self.fields | {"first_name": f"Round {number}"}
        answer = connection.post(self.path, list(fields.items()))
        if answer.status == 302:
            self.ledger.confirmed[self.pk] = number
            self.fields["version"] = str(int(self.fields["version"]) + 1)
        else:
            self.fields = {}
        return answer


def editors(connection: Connection, ledger: Ledger, number: int) -> list[Editor]:
    """Editors of `number` accounts of page 1. Raises RuntimeError if it has fewer active accounts
    that are not staff.
    """
    listed = TICKED.findall(connection.get(LISTS["rollcall"]).page)
    accounts = User.objects.filter(pk__in=listed, status="active", is_staff=False)
    found = accounts.order_by("pk").values_list("pk", flat=True)
    if len(found) < number:
        message = f"page 1 of the list has {len(found)} accounts to edit and not {number}."
        raise RuntimeError(message)
    return [Editor(pk, ledger) for pk in found[:number]]
