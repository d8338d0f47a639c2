"""Turns a sealed audit event into an event of OCSF (Open Cybersecurity Schema Framework) 1.6.

Values and reasons stay in Rollcall, because an erasure can't reach what was sent: the event names
the fields that changed and has the address of its page.
"""

from typing import Any

from django.conf import settings

from users.audit.feeds.ocsf_actions import (
    CLASS_UIDS,
    FAILURES,
    OCSF_ACTIONS,
    WARNINGS,
    Authentication,
    BaseEvent,
    EntityManagement,
    UserAccess,
)
from users.audit.labels import action_label
from users.audit.models import AuditEvent

OCSF_VERSION = "1.6.0"
PRODUCT = {"name": "Rollcall", "vendor_name": "Rollcall"}
INFORMATIONAL, MEDIUM = 1, 3
SUCCESS, FAILURE = 1, 2
OTHER = 99


def ocsf_event(event: AuditEvent) -> dict[str, Any]:
    """Returns a sealed event as an object for JSON. What is empty is left out."""
    activity = OCSF_ACTIONS.get(event.action, BaseEvent.OTHER)
    class_uid = CLASS_UIDS[type(activity)]
    found: dict[str, Any] = {
        "activity_id": activity.value,
        "category_uid": class_uid // 1000,
        "class_uid": class_uid,
        "type_uid": class_uid * 100 + activity.value,
        "time": int(event.at.timestamp() * 1000),
        "message": action_label(event),
        "metadata": event_metadata(event),
        "actor": event_actor(event),
        "unmapped": event_extras(event),
    }
    found["severity_id"] = MEDIUM if event.action in WARNINGS else INFORMATIONAL
    found["status_id"] = FAILURE if event.action in FAILURES else SUCCESS
    if activity == OTHER:
        found["activity_name"] = action_label(event)
    if event.ip:
        found["src_endpoint"] = {"ip": event.ip}
    if event.user_agent:
        found["http_request"] = {"user_agent": event.user_agent}
    return found | class_attributes(event, activity)


def event_metadata(event: AuditEvent) -> dict[str, Any]:
    found = {
        "version": OCSF_VERSION,
        "product": PRODUCT,
        "uid": str(event.pk),
        "sequence": event.chain_position,
        "event_code": event.action,
        "log_name": "audit",
    }
    if event.request_id:
        found["correlation_uid"] = event.request_id
    return found


def event_actor(event: AuditEvent) -> dict[str, Any]:
    """Returns an account, or the program or database role that acted."""
    if event.actor_id is None:
        found: dict[str, Any] = {"app_name": event.actor_text or "unknown"}
    else:
        found = {"user": account_object(event.actor_id, event.actor_text)}
    if event.session_id is not None:
        found["session"] = {"uid": str(event.session_id)}
    return found


def account_object(pk: int | None, text: str) -> dict[str, Any]:
    """Returns the object of an account. One whose values were erased has only its ID."""
    found: dict[str, Any] = {}
    if pk is not None:
        found["uid"] = str(pk)
    if text or pk is None:
        found["name"] = text or "unknown"
    return found


def event_extras(event: AuditEvent) -> dict[str, Any]:
    """Returns what OCSF has no attribute for."""
    found: dict[str, Any] = {
        "fields": sorted({*event.before, *event.after}),
        "chain_hash": bytes(event.chain_hash or b"").hex(),
        "url": f"{settings.SITE_URL}/audit/{event.pk}/",
    }
    if event.job_id is not None:
        found["job_id"] = event.job_id
    if event.ticket:
        found["ticket"] = event.ticket
    return found


def class_attributes(event: AuditEvent, activity: Any) -> dict[str, Any]:
    """Returns the attributes that the class of an activity requires besides the common ones."""
    if isinstance(activity, BaseEvent):
        return {}
    if isinstance(activity, EntityManagement):
        return {"entity": managed_entity(event)}
    found: dict[str, Any] = {"user": account_object(event.target_id, event.target_text)}
    if isinstance(activity, UserAccess):
        found["privileges"] = changed_privileges(event)
    if isinstance(activity, Authentication):
        found["service"] = {"name": PRODUCT["name"]}
    return found


def managed_entity(event: AuditEvent) -> dict[str, Any]:
    """Returns what was managed: a job, a note, …, and the account that it concerns."""
    kind = event.action.partition(".")[0]
    found: dict[str, Any] = {"name": kind, "type": kind}
    if kind == "job" and event.job_id is not None:
        found["uid"] = str(event.job_id)
    if event.target_id is not None:
        found["user"] = account_object(event.target_id, event.target_text)
    return found


def changed_privileges(event: AuditEvent) -> list[str]:
    """Returns the roles that an event added or removed; of an erased event, the fields."""
    before, after = listed_names(event.before), listed_names(event.after)
    return sorted(before ^ after) or sorted({*event.before, *event.after}) or ["unknown"]


def listed_names(values: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for value in values.values():
        if isinstance(value, list):
            found.update(str(item) for item in value)
    return found
