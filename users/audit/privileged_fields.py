"""Records requests with privileged fields that their form does not have. Forms ignore them."""

from collections.abc import Container

from django.http import HttpRequest

from users.audit.record import record_event
from users.fields import ACCESS_FIELDS, IMPORT_ONLY_FIELDS, STATUS_FIELDS
from users.models import User

# Fields that a form must list explicitly: access, and fields that only verbs and imports change.
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
    """Records an event if the request has privileged fields other than `fields`, which are those of
    its form. The event has the names of the fields, but not their values.
    """
    sent = PRIVILEGED_FIELDS & request.POST.keys()
    if unexpected := sorted(name for name in sent if name not in fields):
        record_event(
            "denied",
            actor=request.user,
            target=account,
            after={"action": action, "permission": "", "fields": unexpected},
            reason=f"The form has no such field, so it was ignored: {', '.join(unexpected)}.",
        )
