"""The viewer's own second factors: the list, and their set-up and removal."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.factors import passkeys, totp
from users.factors.authenticators import (
    TYPE,
    factor_label,
    find_factor,
    list_factors,
    recovery_codes_left,
)
from users.factors.forms import WRONG_PASSKEY
from users.factors.policy import needs_second_factor
from users.factors.qr_code import qr_path
from users.me.second_factor_changes import (
    add_own_app,
    add_own_passkey,
    remove_own_factor,
    renew_own_codes,
)
from users.me.second_factor_forms import AppForm, ConfirmationForm, NewPasskeyForm
from users.oidc.provider_factor import viewer_grace_end
from users.sudo.recent import sudo_required
from users.web.error_page import error_page
from users.web.forms import form_page, form_status, posted_data

LIST_URL = "/me/second-factor/"


@require_safe
def second_factors(request) -> HttpResponse:
    factors = list_factors(request.user)
    end = viewer_grace_end(request)
    apps = [factor for factor in factors if factor.type == TYPE.TOTP]
    context = {
        "app": apps[0] if apps else None,
        "passkeys": passkeys.list_passkeys(request.user.pk),
        "codes_left": recovery_codes_left(request.user),
        "grace_end": end,
        "is_due": end is not None and end <= current_time(),
    }
    return render(request, "users/me/second_factor.html", context)


@form_page
@sudo_required
def own_app(request) -> HttpResponse:
    """Sets up an authenticator app."""
    if any(factor.type == TYPE.TOTP for factor in list_factors(request.user)):
        messages.info(request, "An authenticator app is already set up.")
        return redirect(LIST_URL)
    secret = totp.new_secret(request.session)
    form = AppForm(posted_data(request), secret=secret)
    if form.is_valid():
        try:
            codes = add_own_app(request.user, secret, form.period)
        except VerbRefused as refused:
            return error_page(request, 409, refused.message, back=LIST_URL)
        request.session.pop(totp.SECRET_KEY, None)
        return show_added(request, codes, "Authenticator app set up.")
    path, width = qr_path(totp.provisioning_url(request.user, secret))
    context = {
        "form": form,
        "secret": totp.spaced_secret(secret),
        "path": path,
        "width": width,
    }
    return render(request, "users/me/factor_app.html", context, status=form_status(form))


@form_page
@sudo_required
def own_passkeys(request) -> HttpResponse:
    """Adds a passkey. A script sends the form, after the browser has made it."""
    form = NewPasskeyForm(posted_data(request))
    if form.is_valid():
        credential = passkeys.read_new_passkey(request.session, form.cleaned_data["credential"])
        if credential is not None:
            return store_passkey(request, form.cleaned_data["name"], credential)
        form.add_error(None, WRONG_PASSKEY)
    context = {"form": form}
    return render(request, "users/me/factor_passkey.html", context, status=form_status(form))


def store_passkey(request, name: str, credential: dict[str, Any]) -> HttpResponse:
    try:
        codes = add_own_passkey(request.user, name, credential)
    except VerbRefused as refused:
        return error_page(request, 409, refused.message, back=LIST_URL)
    return show_added(request, codes, "Passkey added.")


@require_POST
@sudo_required
def own_passkey_options(request) -> HttpResponse:
    """Returns the options for a new passkey as JSON."""
    return JsonResponse(passkeys.creation_options(request.session, request.user))


@form_page
@sudo_required
def own_factor_removal(request, pk: int) -> HttpResponse:
    factors = list_factors(request.user)
    factor = find_factor(request.user, pk)
    if factor is None:
        message = "You have no such second factor. It may have been removed already."
        return error_page(request, 404, message, back=LIST_URL)
    form = ConfirmationForm(posted_data(request))
    if form.is_valid():
        try:
            remove_own_factor(request.user, pk)
        except VerbRefused as refused:
            return error_page(request, 409, refused.message, back=LIST_URL)
        messages.success(request, f"{factor_label(factor)} removed.")
        return redirect(LIST_URL)
    context = {
        "form": form,
        "factor": factor,
        "label": factor_label(factor),
        "is_last": len(factors) == 1,
        "is_required": needs_second_factor(request.user),
    }
    return render(request, "users/me/factor_removal.html", context, status=form_status(form))


@form_page
@sudo_required
def own_recovery_codes(request) -> HttpResponse:
    """Makes new recovery codes. Only the answer shows them."""
    left = recovery_codes_left(request.user)
    if not request.user.has_second_factor:
        messages.info(request, "Set up an authenticator app or a passkey first.")
        return redirect(LIST_URL)
    form = ConfirmationForm(posted_data(request))
    if form.is_valid():
        try:
            codes = renew_own_codes(request.user)
        except VerbRefused as refused:
            return error_page(request, 409, refused.message, back=LIST_URL)
        return show_codes(request, codes)
    context = {"form": form, "left": left}
    return render(request, "users/me/recovery_codes.html", context, status=form_status(form))


def show_added(request, codes: list[str], done: str) -> HttpResponse:
    """Shows the recovery codes that were made with the first factor; with another one, the list."""
    messages.success(request, done)
    return show_codes(request, codes) if codes else redirect(LIST_URL)


def show_codes(request, codes: list[str]) -> HttpResponse:
    shown = [f"{code[:4]} {code[4:]}" for code in codes]
    return render(request, "users/me/recovery_codes_shown.html", {"codes": shown})
