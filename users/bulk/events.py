"""Writes the events and items of changed accounts from Python. On PostgreSQL, actions that set
columns write them in SQL instead: users/bulk/postgresql_chunk.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.fields import audited_columns, changed_values
from users.jobs.kinds import Chunk
from users.jobs.models import JobItem
from users.models import User


@dataclass(frozen=True)
class ChangedAccount:
    """The change of one account. `image` holds the exact old values of its columns for undo;
    `before` and `after` are the values of the event.
    """

    pk: int
    username: str
    version: int
    image: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]

    @classmethod
    def from_states(
        cls, old: dict[str, Any], new: dict[str, Any], columns: Iterable[str]
    ) -> "ChangedAccount":
        """Compares the columns of two states; `new` also has pk, username and version."""
        names = audited_columns(columns)
        changes = changed_values({name: old[name] for name in names}, new)
        image = {name: exact_json(old[name]) for name in columns}
        before = {name: change[0] for name, change in changes.items()}
        after = {name: change[1] for name, change in changes.items()}
        return cls(
            pk=new["pk"],
            username=new["username"],
            version=new["version"],
            image=image,
            before=before,
            after=after,
        )

    @classmethod
    def without_image(
        cls,
        row: dict[str, Any],
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any],
    ) -> "ChangedAccount":
        """Describes a change that leaves the account's row as it is, so that there is nothing to
        restore.
        """
        return cls(
            pk=row["pk"],
            username=row["username"],
            version=row["version"],
            image={},
            before=before or {},
            after=after,
        )


def record_changes(chunk: Chunk, event: str, changes: list[ChangedAccount]) -> None:
    """Writes an event for each change, and reports it to the chunk."""
    events = []
    for change in changes:
        target = User(
            pk=change.pk,
            username=change.username,
            version=change.version,
        )
        events.append(
            build_event(
                event,
                actor=chunk.by,
                target=target,
                before=change.before,
                after=change.after,
                reason=chunk.job.reason,
            )
        )
        chunk.add_item(
            JobItem.Outcome.CHANGED, change.pk, before=change.image, version=change.version
        )
    AuditEvent.objects.bulk_create(events, batch_size=2000)


def exact_json(value: Any) -> Any:
    """Returns a column's value as JSON that the field's `to_python` reads back exactly: times have
    microseconds.
    """
    return value.isoformat() if isinstance(value, datetime) else value
