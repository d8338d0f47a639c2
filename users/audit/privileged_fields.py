"""Privileged fields that somebody adds to a form which has none: ignored and recorded."""

from collections.abc import Container

from django.http import HttpRequest

from users.audit.record import record_event
from users.models import User

# What no form takes unless it says so: rights, and what verbs alone change.
PRIVILEGED_FIELDS = {
    "is_staff",
    "is_superuser",
    "groups",
    "user_permissions",
    "permissions",
    "status",
    "status_reason",
    "suspended_until",
    "valid_until",
    "deleted_at",
    "before_deletion",
    "password",
    "email_verified_at",
    "must_change_password",
    "has_second_factor",
    "session_epoch",
    "is_active",
    "source",
    "source_id",
    "attributes",
    "id",
    "pk",
    "pinned",
}


def record_privileged_fields(
    request: HttpRequest, action: str, account: User | None, fields: Container[str] = ()
) -> None:
    """Whoever sends a form a privileged field that it has not tried something: the field is ignored
    as any other, and the trail has its name (and never its value). `fields`: those that it has.
    """
    if strange := sorted(
        name for name in PRIVILEGED_FIELDS & request.POST.keys() if name not in fields
    ):
        record_event(
            "denied",
            actor=request.user,
            target=account,
            after={"action": action, "permission": "", "fields": strange},
            reason=f"The form has no such field, so it was ignored: {', '.join(strange)}.",
        )
