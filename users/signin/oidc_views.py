"""Signing in with OpenID Connect: the button's target, and the page to which the provider leads."""

from allauth.account.utils import get_next_redirect_url
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from users.oidc.exchanges import (
    SIGN_IN,
    SUDO,
    Exchange,
    finish_exchange,
    is_enabled,
    start_exchange,
    take_exchange,
)
from users.oidc.pages import provider_redirect, refusal_page
from users.oidc.refusals import OidcRefused
from users.signin.attempt_rate import may_attempt
from users.signin.kept_forms import is_kept_form
from users.signin.oidc_sign_in import BACK_PATHS, complete_exchange
from users.sudo.confirmation import render_sudo
from users.sudo.forms import SudoForm

LOGIN_PATH = "/login/"
# Of a page to lead back to: what a stranger sends is stored in a session.
BACK_MAX = 2000


@require_POST
def oidc_login(request) -> HttpResponse:
    """Leads to the provider. Where to go afterwards is checked now, and kept in the session."""
    if not is_enabled():
        raise Http404
    if request.user.is_authenticated:
        return redirect("/")
    try:
        require_attempt(request, "oidc-start")
        url = start_exchange(
            request,
            SIGN_IN,
            back=short_path(get_next_redirect_url(request)),
            kept=kept_form(request.POST.get("kept", "")),
        )
    except OidcRefused as refused:
        return refusal_page(request, refused, back=LOGIN_PATH)
    return provider_redirect(request, url)


def short_path(path: str | None) -> str:
    """Returns a path that is no longer than BACK_MAX; "" otherwise."""
    return path if path and len(path) <= BACK_MAX else ""


def kept_form(token: str) -> str:
    """Returns the text of a form that this site has signed; "" for any other text."""
    return token if is_kept_form(token) else ""


@require_GET
def oidc_callback(request) -> HttpResponse:
    """Takes the provider's answer to any of the round trips that this browser has begun."""
    if not is_enabled():
        raise Http404
    exchange = None
    try:
        require_attempt(request, "oidc-answer")
        exchange = take_exchange(request)
        claims = finish_exchange(request, exchange)
        return complete_exchange(request, exchange, claims)
    except OidcRefused as refused:
        return refused_answer(request, refused, exchange)


def refused_answer(request, refused: OidcRefused, exchange: Exchange | None) -> HttpResponse:
    """Returns the refusal; with a form that waits for a confirmed identity, the page that asks for
    it, so that what was typed is not lost.
    """
    back = BACK_PATHS.get(exchange.purpose, LOGIN_PATH) if exchange else LOGIN_PATH
    page = refusal_page(request, refused, back=back, is_answer=True)
    if exchange is None or exchange.purpose != SUDO or not exchange.kept:
        return page
    context = {
        "form": SudoForm(request=request),
        "error": refused.message,
        "next": exchange.next,
        "kept": exchange.kept,
    }
    return render_sudo(request, context, status=refused.status)


def require_attempt(request, action: str) -> None:
    if not may_attempt(request, action):
        raise OidcRefused("throttled")
