"""How many accounts a selection has, in a time that a page may take: exactly, or as the database
guesses.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

from users.bulk.lock import plain_accounts
from users.bulk.selection import SELECTION_CAP, Selection
from users.database.local_settings import set_local_settings
from users.directory.counts import estimate_count, format_estimate
from users.models import UserQuerySet

COUNT_TIMEOUT_MS = (
    700  # milliseconds for the number itself; everything else of a preview takes less
)
FIGURE_TIMEOUT_MS = 200  # milliseconds for each of its figures
ESTIMATE_TOLERANCE = 0.05  # two guesses that differ by less are the same number
SAMPLE_RUNS, SAMPLE_RUN_LENGTH = (
    400,
    50,
)  # a sample: so many runs of neighbouring ids, since neighbours lie on one page of the table
SAMPLE_MIN = 200  # accounts of a sample from which shares are worth telling


@dataclass(frozen=True)
class SelectionCount:
    """A number of accounts. If not `exact`, there are too many to count in time and this is the
    planner's estimate.
    """

    value: int
    exact: bool = True

    @property
    def words(self) -> str:
        number = f"{self.value:,}" if self.exact else f"about {format_estimate(self.value)}"
        return f"{number} account{'' if self.value == 1 else 's'}"

    def is_still(self, other: "SelectionCount") -> bool:
        """Whether `other`, counted later, is the same number as far as anybody can tell."""
        if self.exact != other.exact:
            return False
        return (
            self.value == other.value
            if self.exact
            else abs(self.value - other.value) <= ESTIMATE_TOLERANCE * self.value
        )


@contextmanager
def time_limit(milliseconds: int) -> Iterator[None]:
    """Limits the statements of the block on PostgreSQL; one that takes longer is cancelled, and the
    code after the block goes on.
    """
    with suppress(OperationalError), transaction.atomic():
        before = statement_timeout()
        set_local_settings({"statement_timeout": str(milliseconds), "enable_seqscan": "on"})
        yield
        set_local_settings({"statement_timeout": before})


def statement_timeout() -> str:
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (extract(epoch FROM current_setting('statement_timeout')::interval) * 1000)"
            "::int"
        )
        return str(cursor.fetchone()[0])


def count_selection(selection: Selection) -> SelectionCount:
    accounts = selected_accounts(selection)
    with time_limit(COUNT_TIMEOUT_MS):
        return SelectionCount(accounts.count())
    guessed = estimate_count(selection.filter) if selection.filter else 0
    return SelectionCount(round_estimate(max(guessed, SELECTION_CAP)), exact=False)


def round_estimate(value: int) -> int:
    """To three digits: a guess is worth no more, and nobody types the others."""
    scale = 10 ** max(len(str(value)) - 3, 0)
    return value // scale * scale


def count_rows(rows: QuerySet) -> int | None:
    """Exact up to CAP, CAP + 1 for more, None where it takes too long."""
    with time_limit(FIGURE_TIMEOUT_MS):
        return rows.order_by()[: SELECTION_CAP + 1].count()
    return None


def sample_ids(selection: Selection) -> list[int]:
    """Ids out of a large selection, by chance; fewer than ENOUGH where it is thin among all
    accounts.
    """
    last_id = max(selection.up_to, 1)
    starts = [random.randint(1, last_id) for _ in range(SAMPLE_RUNS)]  # noqa: S311  no secret
    ids = sorted({start + step for start in starts for step in range(SAMPLE_RUN_LENGTH)})
    with time_limit(FIGURE_TIMEOUT_MS):
        return list(selected_accounts(selection).filter(pk__among=ids).values_list("pk", flat=True))
    return []


def selected_accounts(selection: Selection) -> UserQuerySet:
    if selection.filter is None:
        return plain_accounts().filter(pk__among=list(selection.ids))
    return selection.filter.apply(plain_accounts()).filter(pk__lte=selection.up_to).order_by()
