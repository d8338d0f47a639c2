"""Forms that were sent when the session was over, or with a token of another session. Nothing is
done, and what was typed comes back: in the form itself, or by the sign-in page, which leads to it.
"""

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import resolve

from users.access import Denied
from users.sessions.ended_sessions import ended_session
from users.signin.entry_rules import entry_redirect
from users.signin.forms import LoginForm
from users.signin.name_cookie import COOKIE, cookie_name_value
from users.web.cookie_names import host_cookie_name
from users.web.form_return import (
    filled_page,
    get_request,
    read_signed_form,
    sign_form,
    typed_values,
)
from users.web.same_origin import form_page_path

KEPT_SALT = "users.signin.kept_forms"
SIGNED_IN_NOTE = "Your session had ended, so nothing was saved. Check the form and send it again."
EXPIRED_NOTE = "This form had expired, so nothing was saved. Check it and send it again."


def login_page(request, typed: QueryDict) -> HttpResponse:
    """Returns the sign-in page, which leads back to the posted form with what was typed."""
    owner = request.COOKIES.get(host_cookie_name(COOKIE), "")
    context = {
        "form": LoginForm(request=request),
        "redirect_field_name": "next",
        "redirect_field_value": form_page_path(request),
        "kept": sign_form(request, typed, owner=owner, salt=KEPT_SALT),
        "ended": ended_session(request.session),
    }
    return render_login(request, context, status=401)


def render_login(request, context: dict[str, Any], *, status: int) -> HttpResponse:
    """Returns the sign-in page as its own URL shows it: a demo adds buttons to it."""
    view = resolve("/login/").func
    options = view.view_initkwargs  # type: ignore[attr-defined]
    template = options.get("template_name", "account/login.html")
    return render(request, template, options.get("extra_context", {}) | context, status=status)


def is_kept_form(token: str) -> bool:
    """Returns whether a text is a form that this site has signed, and not just any text."""
    return read_signed_form(token, KEPT_SALT) is not None


def returned_form(request, token: str) -> HttpResponse | None:
    """Returns the form of `kept` filled in again for whoever has just signed in; None if it is
    someone else's or can't be shown.
    """
    kept = read_signed_form(token, KEPT_SALT)
    if kept is None or kept.owner not in ("", cookie_name_value(request.user)):
        return None
    if not is_open_page(request, kept.page):
        return None
    return filled_page(request, kept.page, kept.action, QueryDict(kept.query), SIGNED_IN_NOTE)


def form_again(request) -> HttpResponse | None:
    """Returns the posted form filled in again, with a fresh token."""
    typed = typed_values(request)
    if typed is None:
        return None
    action = request.get_full_path()
    pages = dict.fromkeys([form_page_path(request), action])
    for page in pages:
        if not is_open_page(request, page):
            continue
        if response := filled_page(request, page, action, typed, EXPIRED_NOTE):
            response.status_code = 403
            return response
    return None


def is_open_page(request, page: str) -> bool:
    """Returns whether the viewer of this request, who may be new, may enter the part of the site
    that the page belongs to.
    """
    try:
        return not entry_redirect(get_request(request, page))
    except Denied:
        return False
