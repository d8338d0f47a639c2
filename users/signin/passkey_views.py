"""Signing in by a passkey alone, /login/passkey/."""

from typing import Any

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from users.factors.authenticators import TYPE
from users.factors.forms import WRONG_PASSKEY, PasskeyField
from users.factors.passkeys import match_passkey, request_options
from users.factors.verification import record_factor_use
from users.models import User
from users.sessions import sign_in_events
from users.sessions.local_sign_in import must_use_provider
from users.sessions.models import SignInMethod, SignInOutcome
from users.signin.attempt_rate import may_attempt
from users.signin.forms import LoginForm
from users.signin.kept_forms import render_login
from users.signin.pending_sign_in import continue_form, keep_form, record_sign_in_method


@require_POST
def passkey_options(request) -> HttpResponse:
    """Returns the options for the browser as JSON. Each browser may ask for them now and then."""
    if not may_attempt(request, "passkey"):
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
    if must_use_provider(account):
        return refuse_local_sign_in(request, account)
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


def refuse_local_sign_in(request, account: User) -> HttpResponse:
    way = SignInMethod.PASSKEY
    sign_in_events.record_attempt(SignInOutcome.PROVIDER_ONLY, account, way=way)
    return refuse_passkey(request, f"Staff sign in with {settings.OIDC.name}.")


def refuse_passkey(request, error: str = WRONG_PASSKEY) -> HttpResponse:
    """Returns the sign-in page, which says why the passkey was not accepted."""
    context: dict[str, Any] = {
        "form": LoginForm(request=request),
        "redirect_field_name": "next",
        "redirect_field_value": get_next_redirect_url(request) or "",
        "kept": request.POST.get("kept", ""),
        "error": error,
    }
    return render_login(request, context, status=422)
