"""Counts a selection within the time limit of a page: exactly, or by the planner's estimate."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from users.bulk.account_locks import plain_accounts
from users.bulk.selection import SELECTION_CAP, Selection
from users.database.local_settings import set_local_settings
from users.directory.counts import estimate_count, format_estimate
from users.models import UserQuerySet

# For the number of accounts, and for each figure of a preview.
COUNT_TIMEOUT_MS = 700
FIGURE_TIMEOUT_MS = 200
# Two estimates that differ by less count as equal.
ESTIMATE_TOLERANCE = 0.05
# A sample consists of runs of consecutive ids, which share pages of the table.
SAMPLE_RUNS = 400
SAMPLE_RUN_LENGTH = 50
# The smallest sample from which percentages are shown.
SAMPLE_MIN = 200


@dataclass(frozen=True)
class SelectionCount:
    """A number of accounts. If not `exact`, there are too many to count in time and this is the
    planner's estimate.
    """

    value: int
    exact: bool = True

    @property
    def number(self) -> str:
        """Returns "3", or "about 7.8 million"."""
        return f"{self.value:,}" if self.exact else f"about {format_estimate(self.value)}"

    @property
    def words(self) -> str:
        """Returns "3 accounts", or "about 7.8 million accounts"."""
        return f"{self.number} account{'' if self.value == 1 else 's'}"

    def matches(self, later: "SelectionCount") -> bool:
        """Returns whether a later count is the same. Estimates may differ by ESTIMATE_TOLERANCE."""
        if self.exact != later.exact:
            return False
        if self.exact:
            return self.value == later.value
        return abs(self.value - later.value) <= ESTIMATE_TOLERANCE * self.value


@contextmanager
def time_limit(milliseconds: int) -> Iterator[None]:
    """Limits the time of each statement in the block on PostgreSQL. A statement that takes longer
    is cancelled, and execution continues after the block.
    """
    with suppress(OperationalError), transaction.atomic():
        before = statement_timeout()
        set_local_settings({"statement_timeout": str(milliseconds), "enable_seqscan": "on"})
        yield
        set_local_settings({"statement_timeout": before})


def statement_timeout() -> str:
    """Returns PostgreSQL's current statement_timeout; "" on SQLite."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (extract(epoch FROM current_setting('statement_timeout')::interval) * 1000)"
            "::int"
        )
        return str(cursor.fetchone()[0])


def count_selection(selection: Selection) -> SelectionCount:
    """Counts the accounts, or estimates their number if counting takes too long."""
    accounts = selected_accounts(selection)
    with time_limit(COUNT_TIMEOUT_MS):
        return SelectionCount(accounts.count())
    estimate = estimate_count(selection.filter) if selection.filter else 0
    return SelectionCount(round_estimate(max(estimate, SELECTION_CAP)), exact=False)


def round_estimate(value: int) -> int:
    """Rounds down to three digits. An estimate has no more, and people have to type it."""
    scale = 10 ** max(len(str(value)) - 3, 0)
    return value // scale * scale


def count_rows(rows: QuerySet) -> int | None:
    """Returns the number of rows, exact up to SELECTION_CAP and SELECTION_CAP + 1 if there are
    more; None if counting takes too long.
    """
    with time_limit(FIGURE_TIMEOUT_MS):
        return rows.order_by()[: SELECTION_CAP + 1].count()
    return None


def sample_ids(selection: Selection) -> list[int]:
    """Returns a random sample of the ids of a large selection. It is smaller than SAMPLE_MIN if few
    of all accounts are selected, and empty if reading it takes too long.

    The sample of a selection stays the same, so that its figures differ only if accounts do.
    """
    last_id = max(selection.up_to, 1)
    first_id = min(settings.ACCOUNT_ID_START, last_id)
    # The key keeps people from choosing a selection by its sample.
    seed = salted_hmac("users.bulk.selection_count", selection.query).hexdigest()
    generator = random.Random(seed)  # noqa: S311  no secret
    starts = [generator.randint(first_id, last_id) for _ in range(SAMPLE_RUNS)]
    ids = sorted({start + step for start in starts for step in range(SAMPLE_RUN_LENGTH)})
    with time_limit(FIGURE_TIMEOUT_MS):
        return list(selected_accounts(selection).filter(pk__among=ids).values_list("pk", flat=True))
    return []


def selected_accounts(selection: Selection) -> UserQuerySet:
    """Returns the accounts without the manager's alias, unordered if they come from a filter."""
    if selection.filter is None:
        return plain_accounts().filter(pk__among=list(selection.ids))
    return selection.filter.apply(plain_accounts()).filter(pk__lte=selection.up_to).order_by()
