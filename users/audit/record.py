"""Writes audit events. Called inside the transaction of the change: no event, no change (P4)."""

from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from users.access import Denied
from users.audit.models import AuditEvent
from users.audit.origin import current_origin
from users.database.clock import database_now
from users.models import User


def record_event(
    action: str,
    *,
    actor: Any,
    target: User | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
    job_id: int | None = None,
) -> AuditEvent:
    """Stores one event, with the origin of the current request or job. `before` and `after`: the
    changed fields only.
    """
    event = build_event(
        action, actor=actor, target=target, before=before, after=after, reason=reason, job_id=job_id
    )
    event.save(force_insert=True)
    if hasattr(event.at, "resolve_expression"):
        # Whoever asks for it reads the row.
        del event.at
    return event


def build_event(
    action: str,
    *,
    actor: Any,
    target: User | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
    job_id: int | None = None,
) -> AuditEvent:
    """Returns an unsaved event with the origin of the current request or job: for bulk_create."""
    origin = current_origin.get()
    return AuditEvent(
        at=database_now(),
        action=action,
        actor_id=actor.pk if actor is not None else None,
        actor_text=str(actor or "nobody")[:255],
        target_id=target.pk if target is not None else None,
        target_text=target.username if target is not None else "",
        target_version=target.version if target is not None else None,
        before=json_values(before or {}),
        after=json_values(after or {}),
        reason=reason,
        ip=origin.ip,
        user_agent=origin.user_agent,
        request_id=origin.request_id,
        job_id=job_id or origin.job_id,
    )


def record_denial(actor: Any, denied: Denied) -> AuditEvent:
    """Records a refused action, after the transaction of that action has been rolled back."""
    return record_event(
        "denied",
        actor=actor,
        target=denied.target,
        after={"action": denied.action, "permission": denied.permission},
        reason=denied.reason,
    )


def json_values(values: dict[str, Any]) -> dict[str, Any]:
    """`values` with dates as ISO 8601 text in UTC, as JSON can hold them."""
    return {
        name: value if isinstance(value, JSON_TYPES) else json_value(value)
        for name, value in values.items()
    }


def json_value(value: Any) -> str:
    """Raises TypeError for what is not a date, a number or an id."""
    return DjangoJSONEncoder().default(
        value.astimezone(UTC) if isinstance(value, datetime) else value
    )


JSON_TYPES = (str, int, float, bool, type(None), list, dict)
