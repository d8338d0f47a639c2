"""Actions that set columns of the account: described once, as expressions over the row as it was,
and done to a whole chunk.

What is skipped and what is set are the same expressions on both databases. On PostgreSQL one
statement judges, changes and writes events and items, and no row leaves the database. On SQLite,
which runs inside this process, the rows are read instead.
"""

from abc import abstractmethod
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F
from django.utils import timezone

from users.audit.record import json_values
from users.bulk import postgresql_chunk
from users.bulk.action import group_alike
from users.bulk.eligibility import ConditionAction
from users.bulk.events import record_changes
from users.bulk.lock import lock_admitted, plain_accounts
from users.jobs.kinds import Chunk
from users.jobs.models import Job, JobItem
from users.models import User
from users.sessions import store
from users.sessions.models import Session


class ColumnAction(ConditionAction):
    """`columns`: what it may change, beside version, updated_at and session_epoch, which undo does
    not put back.
    """

    @abstractmethod
    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        """Values or expressions for columns."""

    def sets(self, job: Job, now: datetime) -> dict[str, Any]:
        """Everything that is set in an account that changes."""
        epoch = {"session_epoch": F("session_epoch") + 1} if self.ends_sessions else {}
        return self.changes(job, now) | epoch | {"version": F("version") + 1, "updated_at": now}

    def run(self, chunk: Chunk) -> None:
        now = timezone.now()
        ids = lock_admitted(chunk, self.action, takes_keys=self.takes_keys)
        if not ids:
            return
        if connection.vendor == "postgresql":
            postgresql_chunk.change_chunk(self, chunk, ids, now)
            changed = self.signed_in(chunk, ids) if self.ends_sessions else []
        else:
            changed = self.change_here(chunk, ids, now)
        if self.ends_sessions:
            store.delete_sessions_of(changed)

    def signed_in(self, chunk: Chunk, ids: list[int]) -> list[int]:
        """Ids of changed accounts that have open sessions (normally few)."""
        holders = (
            Session.objects.filter(account_id__among=ids)
            .values_list("account_id", flat=True)
            .distinct()
        )
        items = JobItem.objects.filter(
            job=chunk.job, account_id__among=list(holders), outcome=JobItem.Outcome.CHANGED
        )
        return list(items.values_list("account_id", flat=True))

    def change_here(self, chunk: Chunk, ids: list[int], now: datetime) -> list[int]:
        """The ids of those that were changed."""
        old = self.sorted_out(chunk, ids, now, *self.columns)
        plain_accounts().filter(pk__among=list(old)).update(**self.sets(chunk.job, now))
        new = self.states(list(old))
        record_changes(chunk, self.event, [self.written(old[pk], new[pk]) for pk in old])
        return list(old)

    def states(self, ids: list[int]) -> dict[int, dict[str, Any]]:
        rows = (
            plain_accounts()
            .filter(pk__among=ids)
            .values("pk", "username", "version", *self.columns)
        )
        return {row["pk"]: row for row in rows}

    def is_as_left(self, image: dict[str, Any], now: dict[str, Any], after: dict[str, Any]) -> bool:
        change = self.written(now | column_values(image), now)
        return json_values(change.after) == after

    def put_back(self, images: dict[int, dict[str, Any]]) -> None:
        for image, ids in group_alike(images):
            plain_accounts().filter(pk__among=ids).update(**column_values(image))


def column_values(image: dict[str, Any]) -> dict[str, Any]:
    """The values of the columns in a before-image, which is JSON."""
    fields: dict[str, Any] = {name: User._meta.get_field(name) for name in image}
    return {name: fields[name].to_python(value) for name, value in image.items()}
