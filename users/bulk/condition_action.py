"""Actions that say beforehand, as conditions over the account's row, which accounts the verb would
refuse, and why.
"""

from abc import abstractmethod
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, Q, Value, When

from users.bulk.account_locks import plain_accounts
from users.bulk.action import BulkAction
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.models import State, UserQuerySet, in_state

NOTHING_TO_DO = "="  # stands in for a reason where a change would change nothing


class ConditionAction(BulkAction):
    @abstractmethod
    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        """Which accounts the verb would refuse, and with which words; the first that fits counts.
        SAME: nothing to do.
        """

    def with_skip_reasons(self, accounts: UserQuerySet, job: Job, now: datetime) -> UserQuerySet:
        """With `why`: the reason for which it would be skipped, or ""."""
        whens = [When(condition, then=Value(reason)) for condition, reason in self.skips(job, now)]
        return accounts.annotate(why=Case(*whens, default=Value(""), output_field=CharField()))

    def eligible_rows(
        self, chunk: Chunk, ids: list[int], now: datetime, *columns: str
    ) -> dict[int, dict[str, Any]]:
        """The rows of those to change, by id; the others are counted, with the reason."""
        rows = self.with_skip_reasons(
            plain_accounts().filter(pk__among=ids), chunk.job, now
        ).order_by("pk")
        found = {}
        for row in rows.values("pk", "username", "version", "why", *columns):
            if not row["why"]:
                found[row["pk"]] = row
            elif row["why"] == NOTHING_TO_DO:
                chunk.unchanged()
            else:
                chunk.skipped(row["pk"], row["why"])
        return found


def state_skips(*states: State, now: datetime) -> list[tuple[Q, str]]:
    return [
        (in_state(state, now), f"This account is already {state.label.lower()}.")
        for state in states
    ]


def deleted_skips() -> list[tuple[Q, str]]:
    """Returns the skip reasons of deleted and erased accounts;
    users.verbs.transaction.refuse_deleted has the same rule for one account.
    """
    return [
        (
            Q(status=State.DELETED),
            "This account is deleted and can’t be changed. Restore it first.",
        ),
        (Q(status=State.ERASED), "This account is erased and can’t be changed."),
    ]
