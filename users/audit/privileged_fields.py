"""Records requests with privileged fields that their form does not have. Forms ignore them, and the
API refuses the request.
"""

from collections.abc import Container, Iterable
from typing import Any

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
    unexpected = unexpected_fields(request.POST, fields)
    if unexpected:
        reason = f"The form has no such field, so it was ignored: {', '.join(unexpected)}."
        record_unexpected(request.user, action, account, unexpected, reason)


def record_refused_fields(
    actor: Any, action: str, account: User | None, sent: Iterable[str], fields: Container[str]
) -> None:
    """Records an event if a program has sent privileged fields other than `fields`."""
    unexpected = unexpected_fields(sent, fields)
    if unexpected:
        reason = f"There is no such field, so the request was refused: {', '.join(unexpected)}."
        record_unexpected(actor, action, account, unexpected, reason)


def unexpected_fields(sent: Iterable[str], fields: Container[str]) -> list[str]:
    """Returns the names of the privileged fields in `sent` that are not in `fields`."""
    privileged = PRIVILEGED_FIELDS.intersection(sent)
    return sorted(name for name in privileged if name not in fields)


def record_unexpected(
    actor: Any, action: str, account: User | None, names: list[str], reason: str
) -> None:
    record_event(
        "denied",
        actor=actor,
        target=account,
        after={"action": action, "permission": "", "fields": names},
        reason=reason,
    )
