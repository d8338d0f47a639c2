"""The tab of sign-ins, and the pages on which staff end sessions."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from users.account import page as frame
from users.account.sign_in_list import sign_ins_page
from users.exceptions import BadParameter, BadRequest
from users.models import User
from users.sessions import store, throttle
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.lockout_end import verb as lockout
from users.verbs.session_end.verb import end_session, end_sessions
from users.web.error_page import error_page
from users.web.forms import REASON_MAX, form_status, refuse_lost_characters

SESSION_GONE = "Session not found. It may have ended already."
form_page = require_http_methods(["GET", "HEAD", "POST"])


class EndSessionForm(forms.Form):
    reason = forms.CharField(
        max_length=REASON_MAX,
        required=False,
        label="Reason",
        validators=[refuse_lost_characters],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Visible in the audit trail.",
    )


@require_safe
def sign_ins_tab(request, pk: int):
    return frame.uncached_tab(
        request, frame.get_page_account(request, "view", pk), "account-signins", sign_ins_content
    )


def sign_ins_content(request, account: User, around: dict[str, Any]) -> dict[str, Any]:
    try:
        return sign_ins_page(account, request.GET) | {"current": request.session.session_key}
    except BadParameter as error:
        raise BadRequest(
            error.parameter, error.message, back=f"/users/{account.pk}/sign-ins/"
        ) from error


@form_page
def end_sessions_page(request, pk: int):
    account = frame.get_page_account(request, "end_sessions", pk)
    verb = lambda **reason: end_sessions(account, by=request.user, **reason)  # noqa: E731
    done = f"All sessions of {account.display_name} ended."
    return end_form_response(
        request, account, verb, {"sessions": store.valid_sessions(account)}, done
    )


@form_page
def end_session_page(request, pk: int, public_id: UUID):
    account = frame.get_page_account(request, "end_sessions", pk)
    session = next(
        (session for session in store.valid_sessions(account) if session.public_id == public_id),
        None,
    )
    if session is None:
        return error_page(request, 404, SESSION_GONE, back=f"/users/{pk}/sign-ins/")
    verb = lambda **reason: end_session(account, public_id, by=request.user, **reason)  # noqa: E731
    return end_form_response(
        request,
        account,
        verb,
        {"session": session},
        f"Session of {account.display_name} ended.",
    )


@form_page
def end_lockout_page(request, pk: int):
    account = frame.get_page_account(request, "end_lockout", pk)
    verb = lambda **reason: lockout.end_lockout(account, by=request.user, **reason)  # noqa: E731
    context = {
        "until": throttle.locked_until(account),
        "template": "users/account/lockout_end.html",
    }
    return end_form_response(request, account, verb, context, f"{account.display_name} unlocked.")


def end_form_response(
    request, account: User, verb: Callable[..., User], context: dict[str, Any], done: str
) -> HttpResponse:
    form = bind_form(
        request, EndSessionForm, "end_lockout" if "until" in context else "end_sessions", account
    )
    if form.is_valid() and submit_form(form, lambda: verb(**form.cleaned_data)):
        messages.success(request, done)
        return redirect("account-signins", account.pk)
    context |= {"form": form, "account": account}
    template = context.get("template", "users/account/session_end.html")
    return render(request, template, context, status=form_status(form))
