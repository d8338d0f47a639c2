"""The kinds of events that receivers can subscribe to, and the kind of an audit event."""

from collections.abc import Iterable

from users.audit.models import AuditEvent

CHANGED = "account.changed"
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
    "account.credential_changed": "Password or second factor changed",
    SIGNED_IN: "Signed in",
    "account.sessions_ended": "Sessions ended",
    "account.roles_changed": "Role given or taken",
    "job.done": "Job finished",
}
KIND_LABELS = KINDS | {TEST: "Test", VERIFICATION: "Verification"}
ACTION_KINDS = {
    "account.created": "account.created",
    "account.imported": "account.created",
    "account.invited": "account.created",
    "account.suspended": "account.suspended",
    "account.reinstated": "account.reinstated",
    "account.deleted": "account.deleted",
    "account.restored": "account.restored",
    "account.erased": "account.erased",
    "account.password_changed": "account.credential_changed",
    "account.second_factor_added": "account.credential_changed",
    "account.second_factor_removed": "account.credential_changed",
    "account.second_factor_reset": "account.credential_changed",
    "account.recovery_codes_made": "account.credential_changed",
    "account.session_ended": "account.sessions_ended",
    "account.sessions_ended": "account.sessions_ended",
    "account.groups_added": "account.roles_changed",
    "account.groups_removed": "account.roles_changed",
    "account.roles_assigned": "account.roles_changed",
    "account.edited": CHANGED,
    "account.updated_by_import": CHANGED,
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
# By the status that an account has after an undo, or a change outside Rollcall.
STATUS_KINDS = {
    "active": "account.reinstated",
    "suspended": "account.suspended",
    "deleted": "account.deleted",
}


def kind_of_event(event: AuditEvent) -> str:
    """Returns the kind of an event; "" if nobody can subscribe to it."""
    kind = ACTION_KINDS.get(event.action, "")
    if kind != CHANGED:
        return kind
    status = event.after.get("status") if isinstance(event.after, dict) else None
    return STATUS_KINDS.get(str(status), CHANGED)


def actions_of_kinds(kinds: Iterable[str]) -> list[str]:
    """Returns the actions of audit events that may be of these kinds."""
    wanted = set(kinds)
    if wanted & set(STATUS_KINDS.values()):
        wanted.add(CHANGED)
    return [action for action, kind in ACTION_KINDS.items() if kind in wanted]


def kind_labels(kinds: Iterable[str]) -> list[str]:
    return [KIND_LABELS.get(kind, kind) for kind in kinds]
