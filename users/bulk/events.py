"""Events and items of changed accounts, put together here rather than by the database."""

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
    """One account that was changed. `image`: its columns as they were, exactly; `before` and
    `after`: what the event tells.
    """

    pk: int
    username: str
    version: int
    image: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]

    @classmethod
    def of(
        cls, old: dict[str, Any], new: dict[str, Any], columns: Iterable[str]
    ) -> "ChangedAccount":
        """`new` also has username and version."""
        names = audited_columns(columns)
        changes = changed_values({name: old[name] for name in names}, new)
        before = {name: was for name, (was, _) in changes.items()}
        after = {name: now for name, (_, now) in changes.items()}
        image = {name: exact_json(old[name]) for name in columns}
        return cls(new["pk"], new["username"], new["version"], image, before, after)


def record_changes(chunk: Chunk, event: str, rows: list[ChangedAccount]) -> None:
    """The event of each, and its item."""
    events = []
    for row in rows:
        target = User(
            pk=row.pk,
            username=row.username,
            version=row.version,
        )
        events.append(
            build_event(
                event,
                actor=chunk.by,
                target=target,
                before=row.before,
                after=row.after,
                reason=chunk.job.reason,
            )
        )
        chunk.add_item(JobItem.Outcome.CHANGED, row.pk, before=row.image, version=row.version)
    AuditEvent.objects.bulk_create(events, batch_size=2000)


def exact_json(value: Any) -> Any:
    """Returns the value as JSON holds it and `User._meta.get_field(…).to_python` reads it, with
    times to the microsecond.
    """
    return value.isoformat() if isinstance(value, datetime) else value
