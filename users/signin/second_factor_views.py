"""The second step of a sign-in, /login/2fa/: a code or a passkey, after the password."""

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.stagekit import clear_login
from allauth.mfa.stages import AuthenticateStage
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from users.factors.authenticators import TYPE, list_factors
from users.factors.forms import FactorForm
from users.factors.passkeys import request_options
from users.signin.allauth_adapter import Adapter
from users.signin.pending_sign_in import continue_form, record_sign_in_method
from users.web.forms import form_page, form_status, posted_data

pending_sign_in_required = login_stage_required(
    stage=AuthenticateStage.key, redirect_urlname="account_login"
)


@form_page
@pending_sign_in_required
def second_step(request) -> HttpResponse:
    account = request._login_stage.login.user
    if not account.is_active:
        clear_login(request)
        return Adapter(request).respond_user_inactive(request, account)
    form = FactorForm(posted_data(request), request=request, account=account)
    if form.is_valid() and form.method:
        record_sign_in_method(request, account, form.method)
        return continue_form(request, request._login_stage.exit())
    kinds = {factor.type for factor in list_factors(account)}
    context = {
        "form": form,
        "has_app": TYPE.TOTP in kinds,
        "has_passkey": TYPE.WEBAUTHN in kinds,
    }
    return render(request, "users/signin/second_step.html", context, status=form_status(form))


@require_POST
@pending_sign_in_required
def second_step_options(request) -> HttpResponse:
    account = request._login_stage.login.user
    return JsonResponse(request_options(request.session, account))
