"""From a valid form to a verb, and from the verb's objections back into the form."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.forms import Form
from django.http import HttpRequest, QueryDict

from users.audit.privileged_fields import record_strange
from users.exceptions import Refused, Stale
from users.models import User
from users.web.forms import posted

AnyForm = TypeVar("AnyForm", bound=Form)


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
