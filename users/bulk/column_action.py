"""Bulk actions that set columns of the account. The change is described by expressions over the old
row and applied to a whole chunk.

Both databases use these expressions to decide which accounts are skipped and what is set. On
PostgreSQL one statement selects, changes and writes events and items, and no row leaves the
database. SQLite runs inside this process, so the rows are read instead.
"""

from abc import abstractmethod
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F

from users.audit.record import json_values
from users.bulk import postgresql_chunk
from users.bulk.account_locks import lock_permitted, plain_accounts
from users.bulk.events import record_changes
from users.bulk.undoable_action import UndoableAction, group_equal_images
from users.database.clock import current_time
from users.jobs.kinds import Chunk
from users.jobs.models import Job, JobItem
from users.models import User
from users.sessions import store
from users.sessions.models import Session


class ColumnAction(UndoableAction):
    """A bulk action that sets `columns`. It also sets version, updated_at and session_epoch, which
    undo does not restore.
    """

    @abstractmethod
    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        """Returns values or expressions by column."""

    def update_values(self, job: Job, now: datetime) -> dict[str, Any]:
        """Returns all values and expressions of the UPDATE, by column."""
        values = self.changes(job, now) | {"version": F("version") + 1, "updated_at": now}
        if self.ends_sessions:
            values["session_epoch"] = F("session_epoch") + 1
        return values

    def run(self, chunk: Chunk) -> None:
        now = current_time()
        ids = lock_permitted(chunk, self.action, can_disable_superusers=self.can_disable_superusers)
        if not ids:
            return
        if connection.vendor == "postgresql":
            postgresql_chunk.change_chunk(self, chunk, ids, now)
            changed = self.changed_ids_with_sessions(chunk, ids) if self.ends_sessions else []
        else:
            changed = self.change_in_python(chunk, ids, now)
        if self.ends_sessions:
            store.delete_sessions_of(changed, event=self.event)

    def changed_ids_with_sessions(self, chunk: Chunk, ids: list[int]) -> list[int]:
        """Returns the ids of changed accounts that have open sessions, normally few."""
        sessions = Session.objects.filter(account_id__among=ids)
        holders = sessions.values_list("account_id", flat=True).distinct()
        items = JobItem.objects.filter(
            job=chunk.job, account_id__among=list(holders), outcome=JobItem.Outcome.CHANGED
        )
        return list(items.values_list("account_id", flat=True))

    def change_in_python(self, chunk: Chunk, ids: list[int], now: datetime) -> list[int]:
        """Changes the eligible accounts and records the changes. Returns their ids."""
        old = self.eligible_rows(chunk, ids, now, *self.columns)
        changed = list(old)
        values = self.update_values(chunk.job, now)
        plain_accounts().filter(pk__among=changed).update(**values)
        new = self.account_states(changed)
        changes = [self.changed_account(old[pk], new[pk]) for pk in changed]
        record_changes(chunk, self.event, changes)
        return changed

    def account_states(self, ids: list[int]) -> dict[int, dict[str, Any]]:
        accounts = plain_accounts().filter(pk__among=ids)
        rows = accounts.values("pk", "username", "version", *self.columns)
        return {row["pk"]: row for row in rows}

    def is_as_left(self, image: dict[str, Any], now: dict[str, Any], after: dict[str, Any]) -> bool:
        change = self.changed_account(now | image_values(image), now)
        return json_values(change.after) == after

    def restore_states(self, images: dict[int, dict[str, Any]]) -> None:
        for image, ids in group_equal_images(images):
            plain_accounts().filter(pk__among=ids).update(**image_values(image))


def image_values(image: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of a before-image, which is JSON, by column."""
    fields: dict[str, Any] = {name: User._meta.get_field(name) for name in image}
    return {name: fields[name].to_python(value) for name, value in image.items()}
