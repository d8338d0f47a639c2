"""Writes many events at once that have no former values: those of new accounts and notes."""

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.utils import timezone

from users.audit.models import AuditEvent
from users.audit.record import build_event, json_values
from users.database.row_writes import insert_values

# The columns of an event that differ from target to target.
TARGET_COLUMNS = ("target_id", "target_text", "target_version", "after")
SHARED_COLUMNS = (
    "actor_id",
    "actor_text",
    "action",
    "before",
    "reason",
    "ticket",
    "ip",
    "user_agent",
    "request_id",
    "session_id",
    "job_id",
)
# The id, the username and the version of an account, and the values of its event.
NewEvent = tuple[int, str, int, dict[str, Any]]


def insert_events(
    action: str, events: Iterable[NewEvent], *, actor: Any, job_id: int | None = None
) -> None:
    """Stores an event for each account in the caller's transaction, with the origin of the current
    request or job. It stores no former values: none of the events has values before the change.
    """
    shared = build_event(action, actor=actor, job_id=job_id)
    constants = {name: getattr(shared, name) for name in SHARED_COLUMNS}
    constants["at"] = statement_time()
    rows = ((pk, name, version, json_values(after)) for pk, name, version, after in events)
    insert_values(AuditEvent, TARGET_COLUMNS, rows, constants)


def statement_time() -> Any:
    """Returns the time of the database."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]
