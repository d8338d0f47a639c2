"""Writes audit events in the transaction of the change, so that no change lacks its event."""

from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from users.access import Denied
from users.audit.models import AuditEvent
from users.audit.origin import current_origin
from users.database.clock import database_now
from users.models import User

JSON_TYPES = (str, int, float, bool, type(None), list, dict)


def record_event(
    action: str,
    *,
    actor: Any,
    target: User | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
    ticket: str = "",
    job_id: int | None = None,
) -> AuditEvent:
    """Stores one event with the origin of the current request or job. `before` and `after` hold
    only the changed fields. `ticket`: that of its job, unless the request has one of its own.
    """
    event = build_event(
        action,
        actor=actor,
        target=target,
        before=before,
        after=after,
        reason=reason,
        ticket=ticket,
        job_id=job_id,
    )
    event.insert()
    if hasattr(event.at, "resolve_expression"):
        # The next access reads it from the row.
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
    ticket: str = "",
    job_id: int | None = None,
) -> AuditEvent:
    """Returns an unsaved event with the origin of the current request or job, for bulk_create."""
    origin = current_origin.get()
    return AuditEvent(
        at=database_now(),
        **actor_columns(actor),
        **target_columns(target),
        action=action,
        before=json_values(before or {}),
        after=json_values(after or {}),
        reason=reason,
        ticket=origin.ticket or ticket,
        ip=origin.ip,
        user_agent=origin.user_agent,
        request_id=origin.request_id,
        session_id=origin.session_id,
        job_id=job_id or origin.job_id,
    )


def actor_columns(actor: Any) -> dict[str, Any]:
    """Returns the columns of an event that identify the actor, and the token that it acts by."""
    actor_id = actor.pk if actor is not None else None
    text = str(actor or "nobody")
    if token := getattr(actor, "acts_by", ""):
        text = f"{text} ({token})"
    return {"actor_id": actor_id, "actor_text": text[:255]}


def target_columns(target: User | None) -> dict[str, Any]:
    """Returns the columns of an event that identify the target; none without a target."""
    if target is None:
        return {}
    return {
        "target_id": target.pk,
        "target_text": target.username,
        "target_version": target.version,
    }


def record_denial(actor: Any, denied: Denied) -> AuditEvent:
    """Records a refused action. Call it after the transaction of that action was rolled back."""
    return record_event(
        "denied",
        actor=actor,
        target=denied.target,
        after={"action": denied.action, "permission": denied.permission},
        reason=denied.reason,
    )


def json_values(values: dict[str, Any]) -> dict[str, Any]:
    """Returns `values` for a JSON column: dates become ISO 8601 text in UTC."""
    return {name: json_value(value) for name, value in values.items()}


def json_value(value: Any) -> Any:
    """Returns a value for JSON. Raises TypeError for one without a form in JSON."""
    if isinstance(value, JSON_TYPES):
        return value
    if isinstance(value, datetime):
        value = value.astimezone(UTC)
    return DjangoJSONEncoder().default(value)
