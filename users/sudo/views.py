"""The page on which staff confirm who they are, and the end of the time for which it counts."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from users.factors.forms import WRONG_CODE, WRONG_PASSKEY, PasskeyField
from users.factors.passkeys import request_options
from users.factors.verification import verified_method, verify_factor
from users.oidc.exchanges import SUDO, start_exchange
from users.oidc.links import link_of
from users.oidc.pages import provider_redirect, refusal_page
from users.oidc.refusals import OidcRefused
from users.sessions.models import SignInMethod
from users.sudo.confirmation import HEAVY_USE, confirm_sudo, render_sudo, safe_path
from users.sudo.forms import SudoCodeForm, SudoForm
from users.sudo.recent import forget_authentication
from users.web.forms import form_page, form_status, posted_data
from users.web.same_origin import form_page_path, is_same_origin


@form_page
def sudo_page(request) -> HttpResponse:
    form = SudoForm(posted_data(request), request=request)
    if form.is_valid():
        return confirm_sudo(request, "password")
    given = request.POST if form.is_bound else request.GET
    context = {
        "form": form,
        "next": safe_path(given.get("next", ""), request.user),
        "kept": request.POST.get("kept", ""),
        "is_heavy_use": given.get("why") == HEAVY_USE,
    }
    return render_sudo(request, context, status=form_status(form))


@require_POST
def sudo_passkey(request) -> HttpResponse:
    """Confirms by a passkey of the viewer, which a script has asked the browser for."""
    error = WRONG_PASSKEY
    try:
        answer = PasskeyField().clean(request.POST.get("credential", ""))
        if verify_factor(request, request.user, answer):
            return confirm_sudo(request, "passkey")
    except ValidationError as refused:
        error = refused.messages[0]
    context = {
        "form": SudoForm(request=request),
        "error": error,
        "next": safe_path(request.POST.get("next", ""), request.user),
        "kept": request.POST.get("kept", ""),
        "is_heavy_use": request.POST.get("why") == HEAVY_USE,
    }
    return render_sudo(request, context, status=422)


@require_POST
def sudo_code(request) -> HttpResponse:
    """Confirms by a code of the viewer's authenticator app, or one of their recovery codes."""
    form = SudoCodeForm(request.POST)
    if form.is_valid():
        method = check_code(request, form)
        if method is not None:
            return confirm_sudo(request, method)
    context = {
        "form": SudoForm(request=request),
        "code_form": form,
        "next": safe_path(request.POST.get("next", ""), request.user),
        "kept": request.POST.get("kept", ""),
    }
    return render_sudo(request, context, status=form_status(form))


def check_code(request, form: SudoCodeForm) -> SignInMethod | None:
    """Returns the kind of the code; None for a wrong one, after noting the error in the form."""
    try:
        method = verified_method(request, request.user, form.cleaned_data["code"])
    except ValidationError as refused:
        form.add_error("code", refused)
        return None
    if method is None:
        form.add_error("code", ValidationError(WRONG_CODE, code="wrong"))
    return method


@require_POST
def sudo_passkey_options(request) -> HttpResponse:
    """Returns the options for the browser as JSON."""
    return JsonResponse(request_options(request.session, request.user))


@require_POST
def sudo_oidc(request) -> HttpResponse:
    """Leads to the provider, where the viewer signs in again (users/signin/oidc_views.py)."""
    if link_of(request.user) is None:
        raise Http404
    back = safe_path(request.POST.get("next", ""), request.user)
    try:
        url = start_exchange(request, SUDO, back=back, kept=request.POST.get("kept", ""))
    except OidcRefused as refused:
        return refusal_page(request, refused, back="/sudo/")
    return provider_redirect(request, url)


@form_page
def sudo_end(request) -> HttpResponse:
    """Ends the time in which nothing asks again."""
    if request.method == "POST":
        forget_authentication(request.session)
        messages.success(request, "Sensitive actions ask again who you are.")
    back = form_page_path(request) if is_same_origin(request) else ""
    is_own_page = back.startswith("/sudo/")
    return redirect("/sudo/" if is_own_page or not back else back)
