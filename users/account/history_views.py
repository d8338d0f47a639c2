"""Time travel: an account as it was on a date, and one of its values put back."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from users import masking
from users.account import page
from users.exceptions import BadRequest
from users.fields import PROFILE_FIELDS
from users.history.past_state import (
    BadMoment,
    FieldAtDate,
    History,
    parse_moment,
    reconstruct_account,
)
from users.models import User
from users.permissions import load_permissions
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.profile.page import RestoreValueForm
from users.verbs.profile.verb import restore_value
from users.web.forms import form_status
from users.web.query_string import check_parameters, refuse_bad_parameters

form_page = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def show(request, pk: int):
    whole = page.get_unmasked_page_account(request, "view", pk)
    typed = checked_query(request, pk, "at").get("at", timezone.now().strftime("%Y-%m-%d"))
    try:
        at = parse_moment(typed)
        error = ""
    except BadMoment as bad:
        at = None
        error = str(bad)

    def content(request, account: User, around: dict[str, Any]) -> dict[str, Any]:
        past = reconstruct_account(whole, around["rights"], at) if at else None
        past = mask_history(past) if past and around["masked"] else past
        return {
            "history": past,
            "typed": typed,
            "error": error,
            "today": timezone.now().strftime("%Y-%m-%d"),
        }

    account = masking.mask_accounts([whole], request.user)[0]
    return page.uncached_tab(
        request, account, "account-history", content, status=422 if error else 200
    )


@form_page
def restore_from_history(request, pk: int, name: str) -> HttpResponse:
    whole = page.get_unmasked_page_account(request, "edit", pk)
    account = masking.mask_accounts([whole], request.user)[0]
    if name not in PROFILE_FIELDS:
        raise Http404
    typed = checked_query(request, pk, "at").get("at", "")
    try:
        past = reconstruct_account(whole, load_permissions(whole), parse_moment(typed))
    except BadMoment as error:
        raise BadRequest("at", str(error), back=f"/users/{pk}/history/") from error
    line = past.line(name)
    if line is None or not line.known:
        raise BadRequest(
            "at",
            "The value of this field at that time is not recorded.",
            back=f"/users/{pk}/history/",
        )
    form = bind_form(
        request, RestoreValueForm, "edit", account, initial={"version": account.version}
    )
    values = {"field": name, "value": line.then}
    if form.is_valid() and submit_form(
        form, lambda: restore_value(account, by=request.user, **values, **form.cleaned_data)
    ):
        messages.success(request, f"{line.label} restored.")
        return redirect("account", pk)
    context = {"form": form, "account": account, "line": line, "history": past, "typed": typed}
    return render(request, "users/account/put_back.html", context, status=form_status(form))


def mask_history(past: History) -> History:
    """For somebody who may not see personal data."""
    return replace(past, lines=[mask_field_at_date(line) for line in past.lines])


def mask_field_at_date(line: FieldAtDate) -> FieldAtDate:
    """Masks both values; a changed value that looks equal when masked is marked as different."""
    then, now = (masking.mask_value(line.name, value) for value in (line.then, line.now))
    return replace(
        line, then=then, now=f"{now} (different)" if line.changed and then == now else now
    )


def checked_query(request, pk: int, *names: str):
    with refuse_bad_parameters(f"/users/{pk}/history/"):
        check_parameters(request.GET, *names)
    return request.GET
