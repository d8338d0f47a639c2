"""Asks staff to confirm who they are, and leads back: to the page that asked, or to the form that
was sent, with what was typed.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from users import access
from users.audit.record import record_event
from users.exceptions import SudoRequired
from users.factors.authenticators import has_app
from users.factors.passkeys import list_passkeys
from users.oidc.links import link_of
from users.sessions.local_sign_in import must_use_provider
from users.sudo.forms import SudoCodeForm, SudoForm
from users.sudo.recent import record_authentication, sudo_minutes, sudo_until
from users.web.form_return import (
    filled_page,
    read_signed_form,
    redirect_response,
    sign_form,
    typed_values,
)
from users.web.partials import htmx_page_path, is_partial
from users.web.same_origin import form_page_path

SUDO_SALT = "users.sudo.confirmation"
# The parameter "why" of the page.
HEAVY_USE = "use"
SUDO_TEMPLATE = "users/sudo/index.html"
CONFIRMED_NOTE = "Not saved yet. Check the form and submit it again."


def sudo_response(request, required: SudoRequired) -> HttpResponse:
    """Returns the response to a request that needs a recent authentication: the page that asks for
    it, which carries what a form has sent, or a redirect to that page.
    """
    typed = typed_values(request)
    if typed is None:
        query = {"next": asking_page(request, required)}
        if required.is_heavy_use:
            query["why"] = HEAVY_USE
        return redirect_response(request, f"/sudo/?{urlencode(query)}")
    owner = str(request.user.pk)
    context = {
        "form": SudoForm(request=request),
        "next": form_page_path(request),
        "kept": sign_form(request, typed, owner=owner, salt=SUDO_SALT),
        "is_heavy_use": required.is_heavy_use,
    }
    return render_sudo(request, context, status=401)


def asking_page(request, required: SudoRequired) -> str:
    """Returns the path of the page that the viewer is on, or wants to see. What is metered is a
    page of its own, whose URL has the search that was typed, and is wanted even if HTMX asked for a
    part of it.
    """
    is_metered_page = required.is_heavy_use and request.method == "GET"
    if is_partial(request) and not is_metered_page:
        return htmx_page_path(request) or "/users/"
    if request.method in ("GET", "HEAD"):
        return str(request.get_full_path())
    return form_page_path(request)


def render_sudo(request, context: dict[str, Any], *, status: int) -> HttpResponse:
    uses_password = request.user.has_usable_password() and not must_use_provider(request.user)
    # Heavy use asks again, however recent the last confirmation is.
    until = None if context.get("is_heavy_use") else sudo_until(request)
    context |= {
        "minutes": sudo_minutes(request.user),
        "until": until,
        "has_password": uses_password,
        "code_form": context.get("code_form") or SudoCodeForm(),
        "has_app": has_app(request.user.pk),
        "has_passkey": bool(list_passkeys(request.user.pk)),
        "provider": settings.OIDC.name if link_of(request.user) else "",
        "demo": settings.DEMO_SIGN_IN,
        "first_page": first_page(request.user),
    }
    return render(request, SUDO_TEMPLATE, context, status=status)


def confirm_sudo(request, method: str, sent: Mapping[str, Any] | None = None) -> HttpResponse:
    """Records that the viewer has proved who they are, and returns the page that leads on, as
    `next` and `kept` of the form say, or of `sent`. The session gets another key, so that one which
    leaked before does not gain by it.
    """
    sent = request.POST if sent is None else sent
    record_event(
        "account.sudo_started",
        actor=request.user,
        target=request.user,
        after={"method": method, "minutes": sudo_minutes(request.user)},
    )
    record_authentication(request.session, method)
    request.session.cycle_key()
    kept = returned_sudo_form(request, sent.get("kept", ""))
    return kept or redirect(safe_path(sent.get("next", ""), request.user))


def returned_sudo_form(request, token: str) -> HttpResponse | None:
    """Returns the form of the token filled in again; None without one of this viewer."""
    kept = read_signed_form(token, SUDO_SALT)
    if kept is None or kept.owner != str(request.user.pk):
        return None
    return filled_page(request, kept.page, kept.action, QueryDict(kept.query), CONFIRMED_NOTE)


def safe_path(path: str, viewer: Any) -> str:
    """Returns the path if it is one of this site, and the first page of the viewer otherwise."""
    is_safe = path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if is_safe else first_page(viewer)


def first_page(viewer: Any) -> str:
    """Returns the path of the directory, or of one's own account without back-office access."""
    return "/users/" if access.may_enter(viewer) else "/me/"
