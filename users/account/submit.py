"""From a valid form to a verb, and from the verb's objections back into the form."""

from collections.abc import Callable, Container
from typing import Any, TypeVar, cast

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.forms import Form
from django.http import HttpRequest, QueryDict

from users.account.errors import Refused, Stale
from users.audit.record import record
from users.models import User

AnyForm = TypeVar("AnyForm", bound=Form)
# What no form takes unless it says so: rights, and what verbs alone change.
PRIVILEGED = {
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


def submit(form: Form, verb: Callable[[], Any]) -> Any:
    """What the verb returns; None where it objected, and then the form says why and keeps what was
    typed.
    """
    try:
        return verb()
    except ValidationError as error:
        object_to(form, error)
    except Refused as error:
        form.add_error(None, ValidationError(error.message, code="refused"))
    except Stale as error:
        form.stale, form.data = error, as_of_now(form, error)  # type: ignore[attr-defined]
        form.add_error(
            None,
            ValidationError("Someone changed this account while you had it open.", code="stale"),
        )
    return None


def object_to(form: Form, error: ValidationError) -> None:
    """Each objection beside its field; where the form has no such field, at its top, and named."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, errors in error.error_dict.items():
        if name in form.fields or name == NON_FIELD_ERRORS:
            form.add_error(name, errors)
        else:
            label = name.replace("_", " ").capitalize()
            form.add_error(
                None, [f"{label}: {message}" for each in errors for message in each.messages]
            )


def as_of_now(form: Form, error: Stale) -> QueryDict:
    """What was typed, with the settled fields as they come to: sent once more, it is a change of
    the account as it is now.
    """
    again = cast(QueryDict, form.data).copy()
    again["version"] = str(error.current.version)
    for name in error.settled.keys() & form.fields.keys():
        value = error.settled[name]
        if isinstance(value, list):  # groups
            again.setlist(name, [str(group.pk) for group in value])
        elif isinstance(value, bool):
            again.setlist(name, ["on"] if value else [])
        else:
            again[name] = value
    return again


def bind(
    request: HttpRequest,
    form_class: type[AnyForm],
    action: str,
    account: User | None = None,
    **kwargs: Any,
) -> AnyForm:
    """The form, bound to what was posted."""
    form = form_class(posted(request), **kwargs)
    record_strange(request, action, account, form.fields)
    return form


def record_strange(
    request: HttpRequest, action: str, account: User | None, fields: Container[str] = ()
) -> None:
    """Whoever sends a form a privileged field that it has not tried something: the field is ignored
    as any other, and the trail has its name (and never its value). `fields`: those that it has.
    """
    if strange := sorted(name for name in PRIVILEGED & request.POST.keys() if name not in fields):
        record(
            "denied",
            actor=request.user,
            target=account,
            after={"action": action, "permission": "", "fields": strange},
            reason=f"The form has no such field, so it was ignored: {', '.join(strange)}.",
        )


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: also to a POST that came empty, which is a form with everything
    missing.
    """
    return request.POST if request.method == "POST" else None


def status_of(form: Form) -> int:
    """200 for a fresh form, 409 where the account's state objected, 422 where the input did."""
    if not form.is_bound:
        return 200
    return (
        409 if form.has_error("__all__", "stale") or form.has_error("__all__", "refused") else 422
    )
