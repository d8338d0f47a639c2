"""The base class of bulk actions that express which accounts the verb would refuse as conditions
over the account's row. The preview counts them before the job is started.
"""

from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Case, CharField, Q, QuerySet, Value, When

from users.bulk.account_locks import plain_accounts
from users.bulk.action import BulkAction
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.models import UserQuerySet

# A skip reason that means: the account already is as the action would leave it.
NOTHING_TO_DO = "="


class ConditionAction(BulkAction):
    """A bulk action with `skips`."""

    # What makes the change impossible, as its verb declares it (users/verbs/obstacles.py).
    obstacles: ClassVar[tuple[Any, ...]] = ()

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        """Returns conditions with the reason for which an account is skipped; the first condition
        that matches counts. The reason NOTHING_TO_DO counts the account as unchanged.
        """
        return [(each.condition(now), each.sentence) for each in self.obstacles if each.condition]

    def further_skips(self, accounts: QuerySet[Any]) -> list[tuple[int, str]]:
        """Returns the number and the reason of accounts that `run` skips, although no condition of
        the database does. The preview counts them in its sample.
        """
        return []

    def with_skip_reasons(self, accounts: UserQuerySet, job: Job, now: datetime) -> QuerySet[Any]:
        """Annotates `skip_reason`: why the account is skipped, or "" if it is changed."""
        whens = [When(condition, then=Value(reason)) for condition, reason in self.skips(job, now)]
        skip_reason = Case(*whens, default=Value(""), output_field=CharField())
        return accounts.annotate(skip_reason=skip_reason)

    def eligible_rows(
        self, chunk: Chunk, ids: list[int], now: datetime, *columns: str
    ) -> dict[int, dict[str, Any]]:
        """Returns id, username, version and `columns` of the accounts to change, by id. Reports the
        others to the chunk as skipped or unchanged.
        """
        accounts = plain_accounts().filter(pk__among=ids).order_by("pk")
        rows = self.with_skip_reasons(accounts, chunk.job, now)
        found = {}
        for row in rows.values("pk", "username", "version", "skip_reason", *columns):
            if not row["skip_reason"]:
                found[row["pk"]] = row
            elif row["skip_reason"] == NOTHING_TO_DO:
                chunk.unchanged()
            else:
                chunk.skipped(row["pk"], row["skip_reason"])
        return found
