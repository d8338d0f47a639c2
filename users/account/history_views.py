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
from users.exceptions import BadParameter, BadRequest
from users.fields import PROFILE
from users.history.past_state import BadMoment, History, Line, history, moment
from users.models import User
from users.permissions import read_rights
from users.verbs.form_submission import bind, submit
from users.verbs.profile.page import RestoreValueForm
from users.verbs.profile.verb import restore_value
from users.web.forms import status_of
from users.web.query_string import only

form_page = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def show(request, pk: int):
    whole = page.whole(request, "view", pk)
    typed = checked(request, pk, "at").get("at", timezone.now().strftime("%Y-%m-%d"))
    try:
        at = moment(typed)
        error = ""
    except BadMoment as bad:
        at = None
        error = str(bad)

    def content(request, account: User, around: dict[str, Any]) -> dict[str, Any]:
        past = history(whole, around["rights"], at) if at else None
        past = masked(past) if past and around["masked"] else past
        return {
            "history": past,
            "typed": typed,
            "error": error,
            "today": timezone.now().strftime("%Y-%m-%d"),
        }

    account = masking.accounts([whole], request.user)[0]
    return page.fresh(request, account, "account-history", content, status=422 if error else 200)


@form_page
def put_back(request, pk: int, name: str) -> HttpResponse:
    whole = page.whole(request, "edit", pk)
    account = masking.accounts([whole], request.user)[0]
    if name not in PROFILE:
        raise Http404
    typed = checked(request, pk, "at").get("at", "")
    try:
        past = history(whole, read_rights(whole), moment(typed))
    except BadMoment as error:
        raise BadRequest("at", str(error), back=f"/users/{pk}/history/") from error
    line = past.line(name)
    if line is None or not line.known:
        raise BadRequest(
            "at",
            "The value of this field at that time is not recorded.",
            back=f"/users/{pk}/history/",
        )
    form = bind(request, RestoreValueForm, "edit", account, initial={"version": account.version})
    values = {"field": name, "value": line.then}
    if form.is_valid() and submit(
        form, lambda: restore_value(account, by=request.user, **values, **form.cleaned_data)
    ):
        messages.success(request, f"{line.label} restored.")
        return redirect("account", pk)
    context = {"form": form, "account": account, "line": line, "history": past, "typed": typed}
    return render(request, "users/account/put_back.html", context, status=status_of(form))


def masked(past: History) -> History:
    """For somebody who may not see personal data."""
    return replace(past, lines=[masked_line(line) for line in past.lines])


def masked_line(line: Line) -> Line:
    """What has changed still reads as changed, although little of it is left to be seen."""
    then, now = (masking.value(line.name, value) for value in (line.then, line.now))
    return replace(
        line, then=then, now=f"{now} (different)" if line.changed and then == now else now
    )


def checked(request, pk: int, *names: str):
    try:
        only(request.GET, *names)
    except BadParameter as error:
        raise BadRequest(error.parameter, error.message, back=f"/users/{pk}/history/") from error
    return request.GET
