"""The pages that end all sessions of an account, or one of them."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from users.models import User
from users.sessions import store
from users.typed_text import isolate_text
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.forms import UnversionedReasonForm
from users.verbs.obstacles import refuse_before_form
from users.verbs.session_end.verb import NO_SESSION, end_session, end_sessions
from users.web.account_lookup import get_account
from users.web.error_page import error_page
from users.web.forms import form_page, form_status

SESSION_GONE = "Session not found. It may have ended already."


@form_page
def end_sessions_page(request, pk: int):
    account = get_account(request, "end_sessions", pk)
    refuse_before_form(request, account, (NO_SESSION,))
    return end_response(
        request,
        account,
        change=partial(end_sessions, account, by=request.user),
        done=f"All sessions of {isolate_text(account.display_name)} ended.",
        context={"sessions": store.valid_sessions(account)},
    )


@form_page
def end_session_page(request, pk: int, public_id: UUID):
    account = get_account(request, "end_sessions", pk)
    found = [each for each in store.valid_sessions(account) if each.public_id == public_id]
    if not found:
        return error_page(request, 404, SESSION_GONE, back=f"/users/{pk}/sign-ins/")
    return end_response(
        request,
        account,
        change=partial(end_session, account, public_id, by=request.user),
        done=f"Session of {isolate_text(account.display_name)} ended.",
        context={"session": found[0]},
    )


def end_response(
    request, account: User, *, change: Callable[..., User], done: str, context: dict[str, Any]
) -> HttpResponse:
    form = bind_form(request, UnversionedReasonForm, "end_sessions", account)
    if submit_form(form, change):
        messages.success(request, done)
        return redirect("account-signins", account.pk)
    context |= {"form": form, "account": account}
    return render(request, "users/verbs/session_end.html", context, status=form_status(form))
