"""Edits accounts on page 1 of the list with Rollcall's own form, and checks that the list shows the
change.
"""

import re
import time
from itertools import count

from benchmarks.cases import LISTS
from benchmarks.client import Answer, Connection
from benchmarks.form_parser import form_with
from users.models import User

TICKED = re.compile(r'name="ids" value="(\d+)"')
SHOWN = re.compile(r'name="ids" value="(\d+)"[^>]*aria-label="Select Round (\d+)\b')
# Each edit writes the next number, which is higher than those of any earlier run.
numbers = count(time.time_ns() // 1_000_000)


class Ledger:
    """Remembers the last number of each account that was saved and confirmed."""

    def __init__(self) -> None:
        self.confirmed: dict[int, int] = {}

    def now(self) -> dict[int, int]:
        return dict(self.confirmed)

    @staticmethod
    def is_stale(page: str, before: dict[int, int]) -> bool:
        """Returns whether `page` shows a lower number than one confirmed `before` its request."""
        shown = {int(pk): int(number) for pk, number in SHOWN.findall(page)}
        return any(shown.get(pk, 0) < number for pk, number in before.items())


class Editor:
    """The only editor of an account, who loads the form once and knows the next version."""

    def __init__(self, pk: int, ledger: Ledger):
        self.pk = pk
        self.path = f"/users/{pk}/edit/"
        self.ledger = ledger
        self.fields: dict[str, str] = {}

    def edit(self, connection: Connection) -> Answer:
        """Writes the next number into the first name. Returns the answer to the POST, whose status
        is 302 if the account was saved.
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


def find_editors(connection: Connection, ledger: Ledger, number: int) -> list[Editor]:
    """Returns editors of `number` accounts of page 1.

    Raises RuntimeError if the page has fewer active accounts that are not staff.
    """
    listed = TICKED.findall(connection.get(LISTS["rollcall"]).page)
    accounts = User.objects.filter(pk__in=listed, status="active", is_staff=False)
    found = accounts.order_by("pk").values_list("pk", flat=True)
    if len(found) < number:
        message = f"page 1 of the list has {len(found)} accounts to edit and not {number}."
        raise RuntimeError(message)
    return [Editor(pk, ledger) for pk in found[:number]]
