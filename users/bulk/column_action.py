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

from users.bulk import postgresql_chunk
from users.bulk.account_locks import lock_permitted, plain_accounts
from users.bulk.action import group_equal_images
from users.bulk.condition_action import ConditionAction
from users.bulk.events import record_changes
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

    def update_values(self, job: Job, now: datetime) -> dict[str, Any]:
        """Everything that is set in an account that changes."""
        epoch = {"session_epoch": F("session_epoch") + 1} if self.ends_sessions else {}
        return self.changes(job, now) | epoch | {"version": F("version") + 1, "updated_at": now}

    def run(self, chunk: Chunk) -> None:
        now = timezone.now()
        ids = lock_permitted(chunk, self.action, can_disable_superusers=self.can_disable_superusers)
        if not ids:
            return
        if connection.vendor == "postgresql":
            postgresql_chunk.change_chunk(self, chunk, ids, now)
            changed = self.changed_ids_with_sessions(chunk, ids) if self.ends_sessions else []
        else:
            changed = self.change_in_python(chunk, ids, now)
        if self.ends_sessions:
            store.delete_sessions_of(changed)

    def changed_ids_with_sessions(self, chunk: Chunk, ids: list[int]) -> list[int]:
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

    def change_in_python(self, chunk: Chunk, ids: list[int], now: datetime) -> list[int]:
        """The ids of those that were changed."""
        old = self.eligible_rows(chunk, ids, now, *self.columns)
        plain_accounts().filter(pk__among=list(old)).update(**self.update_values(chunk.job, now))
        new = self.account_states(list(old))
        record_changes(chunk, self.event, [self.changed_account(old[pk], new[pk]) for pk in old])
        return list(old)

    def account_states(self, ids: list[int]) -> dict[int, dict[str, Any]]:
        rows = (
            plain_accounts()
            .filter(pk__among=ids)
            .values("pk", "username", "version", *self.columns)
        )
        return {row["pk"]: row for row in rows}

    def restore_states(self, images: dict[int, dict[str, Any]]) -> None:
        fields: dict[str, Any] = {name: User._meta.get_field(name) for name in self.columns}
        for image, ids in group_equal_images(images):
            values = {name: fields[name].to_python(value) for name, value in image.items()}
            plain_accounts().filter(pk__among=ids).update(**values)
