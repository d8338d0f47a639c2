"""Actions that set columns of the account: described once, as expressions over the row as it was, and done to a whole chunk.

What is skipped and what is set are the same expressions on both databases. On PostgreSQL one statement judges, changes and
writes events and items, and no row leaves the database. On SQLite, which runs inside this process, the rows are read instead.
"""

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Case, CharField, F, Q, Value, When
from django.utils import timezone

from users.bulk import insert
from users.bulk.action import Action, alike
from users.bulk.gate import admitted, plain_accounts
from users.bulk.written import Written, write
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.models import State, User, UserQuerySet, in_state
from users.staff import sessions

SAME = "="  # stands in for a reason where a change would change nothing


class ColumnAction(Action):
    """`columns`: what it may change, beside version, updated_at and session_epoch, which undo does not put back."""

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        """Which accounts the verb would refuse, and with which words; the first that fits counts. SAME: nothing to do."""
        raise NotImplementedError

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        """Values or expressions for columns."""
        raise NotImplementedError

    def judged(self, accounts: UserQuerySet, job: Job, now: datetime) -> UserQuerySet:
        """With `why`: the reason for which it would be skipped, or ""."""
        whens = [When(condition, then=Value(reason)) for condition, reason in self.skips(job, now)]
        return accounts.annotate(why=Case(*whens, default=Value(""), output_field=CharField()))

    def sets(self, job: Job, now: datetime) -> dict[str, Any]:
        """Everything that is set in an account that changes."""
        epoch = {"session_epoch": F("session_epoch") + 1} if self.ends_sessions else {}
        return self.changes(job, now) | epoch | {"version": F("version") + 1, "updated_at": now}

    def run(self, chunk: Chunk) -> None:
        now = timezone.now()
        ids = admitted(chunk, self.action, takes_keys=self.takes_keys)
        if not ids:
            return
        if connection.vendor == "postgresql":
            insert.change(self, chunk, ids, now)
        else:
            self.change_here(chunk, ids, now)
        if self.ends_sessions:
            sessions.end_all_of(ids)

    def change_here(self, chunk: Chunk, ids: list[int], now: datetime) -> None:
        rows = self.judged(plain_accounts().filter(pk__among=ids), chunk.job, now).order_by("pk")
        old = {row["pk"]: row for row in rows.values("pk", "why", *self.columns)}
        changing = [pk for pk, row in old.items() if not row["why"]]
        plain_accounts().filter(pk__among=changing).update(**self.sets(chunk.job, now))
        new = self.states(changing)
        for pk, row in old.items():
            if row["why"] == SAME:
                chunk.unchanged()
            elif row["why"]:
                chunk.skipped(pk, row["why"])
        write(chunk, self.event, [Written.of(old[pk], new[pk], self.columns) for pk in changing])

    def states(self, ids: list[int]) -> dict[int, dict[str, Any]]:
        rows = plain_accounts().filter(pk__among=ids).values("pk", "username", "version", *self.columns)
        return {row["pk"]: row for row in rows}

    def put_back(self, images: dict[int, dict[str, Any]]) -> None:
        fields: dict[str, Any] = {name: User._meta.get_field(name) for name in self.columns}
        for image, ids in alike(images):
            values = {name: fields[name].to_python(value) for name, value in image.items()}
            plain_accounts().filter(pk__among=ids).update(**values)


def already(*states: State, now: datetime) -> list[tuple[Q, str]]:
    return [(in_state(state, now), f"This account is already {state.label.lower()}.") for state in states]
