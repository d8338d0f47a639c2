"""The kinds of events that receivers can subscribe to, and the kind of an audit event."""

from collections.abc import Iterable
from typing import Any

from users.audit.models import AuditEvent

CHANGED = "account.changed"
CREDENTIAL = "account.credential_changed"
SIGNED_IN = "account.signed_in"
TEST = "webhook.test"
VERIFICATION = "stream.verification"
KINDS = {
    "account.created": "Account created",
    CHANGED: "Account changed",
    "account.suspended": "Account suspended",
    "account.reinstated": "Account reinstated",
    "account.deleted": "Account deleted",
    "account.restored": "Account restored",
    "account.erased": "Account erased",
    CREDENTIAL: "Password or second factor changed",
    SIGNED_IN: "Signed in",
    "account.sessions_ended": "Sessions ended",
    "account.roles_changed": "Role granted or removed",
    "job.done": "Job finished",
}
KIND_LABELS = KINDS | {TEST: "Test", VERIFICATION: "Verification"}
ACTION_KINDS = {
    "account.created": "account.created",
    "account.imported": "account.created",
    "account.invited": "account.created",
    "account.provisioned": "account.created",
    "service.created": "account.created",
    "account.suspended": "account.suspended",
    "account.reinstated": "account.reinstated",
    "account.deleted": "account.deleted",
    "account.restored": "account.restored",
    "account.erased": "account.erased",
    "account.password_changed": CREDENTIAL,
    "account.second_factor_added": CREDENTIAL,
    "account.second_factor_removed": CREDENTIAL,
    "account.second_factor_reset": CREDENTIAL,
    "account.recovery_codes_made": CREDENTIAL,
    "account.session_ended": "account.sessions_ended",
    "account.sessions_ended": "account.sessions_ended",
    "account.groups_added": "account.roles_changed",
    "account.groups_removed": "account.roles_changed",
    "account.roles_assigned": "account.roles_changed",
    "account.edited": CHANGED,
    "account.updated_by_import": CHANGED,
    "account.updated_by_provisioning": CHANGED,
    "service.changed": CHANGED,
    "service.ended": CHANGED,
    "account.changed_outside": CHANGED,
    "account.undone": CHANGED,
    "account.put_back": CHANGED,
    "account.text_redacted": CHANGED,
    "account.email_confirmed": CHANGED,
    "account.email_verified": CHANGED,
    "account.end_date_set": CHANGED,
    "account.end_date_cleared": CHANGED,
    "account.invitation_accepted": CHANGED,
    "account.password_change_required": CHANGED,
    "account.consent_withdrawn": CHANGED,
    "account.unsubscribed": CHANGED,
    "job.done": "job.done",
}
# Of an undo, or a change outside Rollcall, by the status before and after it. Any: "".
STATUS_KINDS = {
    ("suspended", "active"): "account.reinstated",
    ("deleted", "active"): "account.restored",
    ("", "suspended"): "account.suspended",
    ("", "deleted"): "account.deleted",
}
OUTSIDE = "account.changed_outside"
OUTSIDE_KINDS = {"account.created", "account.deleted"}


def kind_of_event(event: AuditEvent) -> str:
    """Returns the kind of an event; "" if nobody can subscribe to it."""
    kind = ACTION_KINDS.get(event.action, "")
    if kind != CHANGED:
        return kind
    if changes_only_password(event.after):
        return CREDENTIAL
    before, after = event_status(event.before), event_status(event.after)
    if event.action == OUTSIDE and before != after and not (before and after):
        return "account.created" if after else "account.deleted"
    found = STATUS_KINDS.get((before, after)) or STATUS_KINDS.get(("", after))
    return found or CHANGED


def changes_only_password(values: Any) -> bool:
    """Returns whether an event changes the password and nothing else."""
    return isinstance(values, dict) and set(values) == {"password"}


def event_status(values: Any) -> str:
    """Returns the status among the values of an event; "" without one."""
    return str(values.get("status", "")) if isinstance(values, dict) else ""


def actions_of_kinds(kinds: Iterable[str]) -> list[str]:
    """Returns the actions of audit events that may be of these kinds."""
    wanted = set(kinds)
    if wanted & {*STATUS_KINDS.values(), *OUTSIDE_KINDS, CREDENTIAL}:
        wanted.add(CHANGED)
    return [action for action, kind in ACTION_KINDS.items() if kind in wanted]


def kind_labels(kinds: Iterable[str]) -> list[str]:
    return [KIND_LABELS.get(kind, kind) for kind in kinds]
