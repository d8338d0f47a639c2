"""The viewer's own sessions: the list, and ending one or all others."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from users.exceptions import VerbRefused
from users.sessions.store import valid_sessions
from users.verbs.session_end.verb import end_own_session, end_own_sessions
from users.web.error_page import error_page
from users.web.forms import form_page


@require_safe
def own_sessions(request):
    current = request.session.session_key
    found = valid_sessions(request.user)
    others = any(session.session_key != current for session in found)
    return render(
        request,
        "users/me/sessions.html",
        {
            "sessions": found,
            "current": current,
            "others": others,
        },
    )


@form_page
def own_sessions_end(request):
    """Ends all other sessions. The current one continues under a new key."""

    def end() -> None:
        account = end_own_sessions(request.user)
        update_session_auth_hash(request, account)

    return confirm_and_end(request, end, {}, "Other devices signed out.")


@form_page
def own_session_end(request, public_id: UUID):
    own = valid_sessions(request.user)
    session = next((each for each in own if each.public_id == public_id), None)
    if session is None:
        message = "This session doesn’t exist. It may have ended already."
        return error_page(request, 404, message, back="/me/sessions/")
    if session.session_key == request.session.session_key:
        return redirect("account_logout")
    end = partial(end_own_session, request.user, public_id)
    return confirm_and_end(request, end, {"session": session}, "Session ended.")


def confirm_and_end(
    request, end: Callable[[], object], context: dict[str, Any], done: str
) -> HttpResponse:
    """Asks for confirmation; on POST calls `end` and shows the message `done`."""
    if request.method != "POST":
        return render(request, "users/me/session_end.html", context)
    try:
        end()
    except VerbRefused as refused:
        return error_page(request, 409, refused.message, back="/me/sessions/")
    messages.success(request, done)
    return redirect("me-sessions")
