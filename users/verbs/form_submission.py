"""From a valid form to a verb, and from the verb's objections back into the form."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.forms import Form
from django.http import HttpRequest, QueryDict
from django.views.decorators.http import require_http_methods

from users.audit.privileged_fields import record_privileged_fields
from users.exceptions import EditConflict, VerbRefused
from users.fields import field_label
from users.models import User
from users.web.forms import posted_data

AnyForm = TypeVar("AnyForm", bound=Form)
form_page = require_http_methods(["GET", "HEAD", "POST"])


def submit_form(form: Form, verb: Callable[[], Any]) -> Any:
    """What the verb returns; None where it objected, and then the form says why and keeps what was
    typed.
    """
    try:
        return verb()
    except ValidationError as error:
        add_form_errors(form, error)
    except VerbRefused as error:
        form.add_error(None, ValidationError(error.message, code="refused"))
    except EditConflict as error:
        form.stale, form.data = error, updated_form_data(form, error)  # type: ignore[attr-defined]
        form.add_error(
            None,
            ValidationError("Someone changed this account while you had it open.", code="stale"),
        )
    return None


def add_form_errors(form: Form, error: ValidationError) -> None:
    """Each objection beside its field; where the form has no such field, at its top, and named."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, errors in error.error_dict.items():
        if name in form.fields or name == NON_FIELD_ERRORS:
            form.add_error(name, errors)
        else:
            label = field_label(name)
            form.add_error(
                None, [f"{label}: {message}" for each in errors for message in each.messages]
            )


def updated_form_data(form: Form, error: EditConflict) -> QueryDict:
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


def bind_form(
    request: HttpRequest,
    form_class: type[AnyForm],
    action: str,
    account: User | None = None,
    **kwargs: Any,
) -> AnyForm:
    """The form, bound to what was posted."""
    form = form_class(posted_data(request), **kwargs)
    record_privileged_fields(request, action, account, form.fields)
    return form
