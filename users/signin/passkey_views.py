"""Signing in by a passkey alone, /login/passkey/."""

from typing import Any

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.core.internal import ratelimit
from django.core.exceptions import ValidationError
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from users.factors.authenticators import TYPE
from users.factors.forms import WRONG_PASSKEY, PasskeyField
from users.factors.passkeys import match_passkey, request_options
from users.factors.verification import record_factor_use
from users.sessions.models import SignInMethod
from users.signin.forms import LoginForm
from users.signin.pending_sign_in import continue_form, keep_form, record_sign_in_method

RATE_ACTION = "passkey"
RATE = "30/m/ip"


@require_POST
def passkey_options(request) -> HttpResponse:
    """Returns the options for the browser as JSON. Each browser may ask for them now and then."""
    usage = ratelimit.consume(
        request,
        app="allauth.account",
        action=RATE_ACTION,
        config={RATE_ACTION: RATE},
    )
    if usage is None:
        return JsonResponse({"error": "Too many attempts. Wait a minute."}, status=429)
    return JsonResponse(request_options(request.session))


@require_POST
def passkey_login(request) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("/")
    try:
        answer = PasskeyField().clean(request.POST.get("credential", ""))
    except ValidationError:
        answer = None
    passkey = match_passkey(request.session, answer)
    if passkey is None or not record_factor_use(passkey):
        return refuse_passkey(request)
    account = passkey.user
    record_sign_in_method(
        request,
        account,
        SignInMethod.PASSKEY,
        # allauth's second step reads these.
        type=str(TYPE.WEBAUTHN),
        passwordless=True,
    )
    if kept := request.POST.get("kept"):
        keep_form(request, kept)
    login = Login(user=account, redirect_url=get_next_redirect_url(request))
    return continue_form(request, perform_login(request, login))


def refuse_passkey(request) -> HttpResponse:
    """Returns the sign-in page, which says that the passkey was not accepted."""
    context: dict[str, Any] = {
        "form": LoginForm(request=request),
        "redirect_field_name": "next",
        "redirect_field_value": get_next_redirect_url(request) or "",
        "kept": request.POST.get("kept", ""),
        "error": WRONG_PASSKEY,
    }
    return render(request, "account/login.html", context, status=422)
