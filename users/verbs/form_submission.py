"""Calls a verb with the values of a form, and adds its errors to the form."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.forms import Form
from django.http import HttpRequest, QueryDict

from users.audit.origin import change_ticket
from users.audit.privileged_fields import record_privileged_fields
from users.exceptions import EditConflict, VerbRefused
from users.fields import field_label
from users.identifiers import flag_text
from users.models import User
from users.web.forms import FlagField, posted_data

AnyForm = TypeVar("AnyForm", bound=Form)


def submit_form(form: Form, verb: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
    """Returns the result of the verb, called with the values of the form, `args` and `options`;
    None if the form is not valid, or if the verb raised an error, which is added to the form. The
    events of the verb have the ticket of the form.
    """
    if not form.is_valid():
        return None
    try:
        with change_ticket(form.cleaned_data.get("ticket", "")):
            return verb(*args, **options, **form_values(form))
    except ValidationError as error:
        add_form_errors(form, error)
    except VerbRefused as error:
        form.add_error(None, ValidationError(error.message, code="refused"))
    except EditConflict as error:
        form.stale = error  # type: ignore[attr-defined]
        form.data = updated_form_data(form, error)
        text = "Someone changed this account while you had it open."
        form.add_error(None, ValidationError(text, code="stale"))
    return None


def form_values(form: Form) -> dict[str, Any]:
    """Returns the values of a valid form as arguments of its verb, without the ticket."""
    values = form.values() if hasattr(form, "values") else form.cleaned_data
    return {name: value for name, value in values.items() if name != "ticket"}


def add_form_errors(form: Form, error: ValidationError) -> None:
    """Adds each error to its field, or to the top with a label if the form has no such field."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, errors in error.error_dict.items():
        if name in form.fields or name == NON_FIELD_ERRORS:
            form.add_error(name, errors)
        else:
            label = field_label(name)
            texts = [f"{label}: {text}" for each in errors for text in each.messages]
            form.add_error(None, texts)


def updated_form_data(form: Form, error: EditConflict) -> QueryDict:
    """Returns the input with the current version of the account and the merged values.

    Submitting it again changes the account as it is now.
    """
    data = cast(QueryDict, form.data).copy()
    data["version"] = str(error.current.version)
    for name in error.settled.keys() & form.fields.keys():
        value = error.settled[name]
        if isinstance(value, list):
            # Only groups are lists.
            data.setlist(name, [str(group.pk) for group in value])
        elif isinstance(form.fields[name], FlagField):
            data[name] = flag_text(value)
        elif isinstance(value, bool):
            data.setlist(name, ["on"] if value else [])
        else:
            data[name] = value
    return data


def bind_form(
    request: HttpRequest,
    form_class: type[AnyForm],
    action: str,
    account: User | None = None,
    **kwargs: Any,
) -> AnyForm:
    """Returns the form bound to the posted data, and records attempts to post privileged fields."""
    form = form_class(posted_data(request), **kwargs)
    record_privileged_fields(request, action, account, form.fields)
    return form
