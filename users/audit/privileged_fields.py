"""Privileged fields that somebody adds to a form which has none: ignored and recorded."""

from collections.abc import Container

from django.http import HttpRequest

from users.audit.record import record_event
from users.fields import ACCESS_FIELDS, IMPORT_ONLY_FIELDS, STATUS_FIELDS
from users.models import User

# Fields that no form takes unless it says so: access, and fields that only verbs and imports change.
PRIVILEGED_FIELDS = {
    *STATUS_FIELDS,
    *ACCESS_FIELDS,
    *IMPORT_ONLY_FIELDS,
    "before_deletion",
    "id",
    "is_active",
    "password",
    "permissions",
    "pinned",
    "pk",
    "session_epoch",
    "user_permissions",
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
