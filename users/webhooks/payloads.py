"""Builds the payload of a delivery: IDs, kind, time and the names of changed fields, and no values
unless the subscription asks for them.
"""

import json
from datetime import UTC, datetime
from typing import Any

from users.audit.models import AuditEvent
from users.masking import mask_changes
from users.sessions.models import SignInEvent
from users.webhooks.kinds import TEST
from users.webhooks.models import WebhookDelivery

SourceRow = AuditEvent | SignInEvent | None
# Longer values are left out: a payload stays below 256 KB.
VALUES_MAX = 200_000


def payload_text(
    delivery: WebhookDelivery,
    row: SourceRow,
    *,
    values: str = "none",
) -> str:
    """Returns the body of a webhook. `row`: the event as it is now, without the values that were
    erased since. `values`: "none", "masked" or "all".
    """
    at = row.at if row is not None else delivery.created_at
    content = {
        "type": delivery.kind,
        "timestamp": payload_time(at),
        "data": payload_data(delivery, row, values),
    }
    return json.dumps(content, separators=(",", ":"))


def payload_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def payload_data(delivery: WebhookDelivery, row: SourceRow, values: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if delivery.account_id is not None:
        found["account_id"] = str(delivery.account_id)
    if delivery.kind == TEST:
        found["message"] = "This is a test."
    if isinstance(row, AuditEvent):
        found |= event_data(row, values)
    return found


def event_data(event: AuditEvent, values: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "event_id": str(event.pk),
        "sequence": event.chain_position,
        "action": event.action,
        "fields": sorted({*event.before, *event.after}),
    }
    if event.actor_id is not None:
        found["actor_id"] = str(event.actor_id)
    if event.target_version is not None:
        found["version"] = event.target_version
    if event.job_id is not None:
        found["job_id"] = str(event.job_id)
    return found | payload_values(event, values)


def payload_values(event: AuditEvent, values: str) -> dict[str, Any]:
    if values == "none":
        return {}
    found = {"before": event.before, "after": event.after}
    if values == "masked":
        found = {name: mask_changes(each) for name, each in found.items()}
    if len(json.dumps(found)) > VALUES_MAX:
        return {"values_left_out": True}
    return found
