"""The verbs: one operation each, from their declarations, validated by the forms of their pages.

Verbs that require an identity confirmation are refused: a token can't prove that a person is
present. Verbs with a page of their own are in account_changes.py.
"""

import re
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import Form
from django.http import Http404, HttpResponse, QueryDict

from users import access, masking
from users.api.account_json import account_detail
from users.api.answers import account_response
from users.api.problems import ApiProblem, bad_body, json_pointer
from users.api.query import require_parameters
from users.api.request_body import read_body_object, require_members
from users.api.shown_uses import count_changed_account
from users.audit.privileged_fields import record_refused_fields
from users.exceptions import EditConflict, SudoRequired
from users.identifiers import flag_text
from users.models import User
from users.verbs.declaration import Verb
from users.verbs.form_submission import submit_form
from users.verbs.registry import VERBS
from users.web.account_lookup import get_account, load_account
from users.web.forms import FlagField

API_VERBS = {verb.path.rstrip("/"): verb for verb in VERBS if verb.view is None and not verb.sudo}
REFUSED_VERBS = {verb.path.rstrip("/"): verb for verb in VERBS if verb.sudo}
# The ETag of an account. One that a proxy has weakened names the version all the same.
ACCOUNT_ETAG = re.compile(r'(?:W/)?"([1-9][0-9]{0,9})(?:\.[0-9a-f]+)?"')
VERSION = "version"
ACCOUNT_CHANGED = "Someone has changed this account since the version that you sent."
FIELD_CHANGED = "Someone else has changed this field."
MISSING_VERSION = "Send the account’s ETag as If-Match, or its version in the body."


def apply_verb(request: Any, account_id: int, verb: Verb) -> HttpResponse:
    """Applies the verb and returns the account after the commit."""
    require_parameters(request.GET, ())
    account = get_account(request, verb.action, account_id)
    initial = verb.form.start(account, QueryDict())
    blank = verb.form(initial=initial)
    data = read_form(request, verb.action, account, blank)
    form = verb.form(data, initial=initial)
    form.fit(account, request.user)
    if submit_form(form, verb.change, account, by=request.user) is None:
        raise form_problem(request, form)
    return changed_account_response(account.pk, request.user)


def refuse_verb(request: Any, account_id: int) -> HttpResponse:
    """Raises SudoRequired, for a verb that requires an identity confirmation."""
    access.require(request.user, "view")
    raise SudoRequired


def read_form(request: Any, action: str, account: User | None, blank: Form) -> QueryDict:
    """Returns the body as the page would send the form `blank`. Raises ApiProblem."""
    sent = read_body_object(request)
    record_refused_fields(request.user, action, account, sent, blank.fields)
    return form_data(sent, blank, if_match_version(request))


def changed_account_response(account_id: int, viewer: Any, *, status: int = 200) -> HttpResponse:
    """Returns the account after a change, as the viewer may see it."""
    changed = load_account(account_id)
    if changed is None:
        raise Http404
    (shown,) = masking.mask_accounts([changed], viewer)
    count_changed_account(viewer, shown)
    return account_response(account_detail(shown), shown, status=status)


def if_match_version(request: Any) -> str:
    """Returns the version in If-Match; "" without the header. Raises ApiProblem."""
    sent = request.headers.get("If-Match", "").strip()
    if not sent:
        return ""
    match = ACCOUNT_ETAG.fullmatch(sent)
    if match is None:
        detail = "If-Match takes the ETag of the account, as GET has returned it."
        raise ApiProblem(400, detail, errors=[{"header": "If-Match", "detail": detail}])
    return match[1]


def form_data(sent: dict[str, Any], form: Form, version: str) -> QueryDict:
    """Returns the body as the form of the page would send it. Raises ApiProblem for members that
    are no fields, values of wrong types, and two versions that differ.
    """
    require_members(sent, list(form.fields))
    data = QueryDict(mutable=True)
    for name, value in sent.items():
        data.setlist(name, field_texts(name, value, form.fields[name]))
    if version:
        if data.get(VERSION, version) != version:
            raise bad_body("/version", "This is not the version in If-Match. Send one of them.")
        data[VERSION] = version
    elif VERSION in form.fields and not data.get(VERSION):
        raise bad_body("/version", MISSING_VERSION, status=428)
    return data


def field_texts(name: str, value: Any, field: forms.Field) -> list[str]:
    """Returns the texts that a form sends for a JSON value. Raises ApiProblem for a wrong type."""
    if value is None:
        return []
    if isinstance(value, bool):
        return flag_texts(name, value, field)
    if isinstance(field, forms.BooleanField | FlagField):
        raise bad_body(json_pointer(name), "Send true or false.")
    takes_list = isinstance(field, forms.MultipleChoiceField | forms.ModelMultipleChoiceField)
    if takes_list and isinstance(value, list):
        return list_texts(name, value)
    if isinstance(value, str | int) and not takes_list:
        return [str(value)]
    wanted = "a list" if takes_list else "a string or an integer"
    raise bad_body(json_pointer(name), f"Send {wanted}.")


def flag_texts(name: str, value: bool, field: forms.Field) -> list[str]:
    """Returns what a checkbox or a choice of yes and no sends."""
    if isinstance(field, FlagField):
        return [flag_text(value)]
    if isinstance(field, forms.BooleanField):
        return ["on"] if value else []
    raise bad_body(json_pointer(name), "This field does not take true or false.")


def list_texts(name: str, values: list[Any]) -> list[str]:
    for number, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise bad_body(json_pointer(name, number), "Send a string or an integer.")
    return list(map(str, values))


def form_problem(request: Any, form: Form, *keys: object) -> ApiProblem:
    """Returns the problem of a form with errors: 409 or 412 for a conflict, else 422. `keys`: the
    place of the form's values in the body.
    """
    errors = []
    for name, found in form.errors.items():
        places = (*keys,) if name == NON_FIELD_ERRORS else (*keys, name)
        pointer = json_pointer(*places)
        errors += [{"pointer": pointer, "detail": str(detail)} for detail in found]
    stale: EditConflict | None = getattr(form, "stale", None)
    if stale:
        return conflict_problem(request, stale)
    status = 409 if form.has_error(NON_FIELD_ERRORS, "refused") else 422
    return ApiProblem(status, errors[0]["detail"], errors=errors)


def conflict_problem(request: Any, stale: EditConflict) -> ApiProblem:
    """Returns the problem of a version that is not the current one, with the fields that someone
    else has changed too.
    """
    status = 412 if "If-Match" in request.headers else 409
    names = [conflict.name for conflict in stale.conflicts]
    errors = [{"pointer": json_pointer(name), "detail": FIELD_CHANGED} for name in names]
    more = conflict_members(stale, request.user)
    return ApiProblem(status, ACCOUNT_CHANGED, errors=errors, more=more)


def conflict_members(stale: EditConflict, viewer: Any) -> dict[str, Any]:
    """Returns both versions, and the account as it is now for the viewer."""
    current: User
    (current,) = masking.mask_accounts([stale.current], viewer)
    count_changed_account(viewer, current)
    return {
        "sent_version": stale.seen,
        "current_version": current.version,
        "account": account_detail(current),
    }
