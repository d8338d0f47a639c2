"""Ends a round trip to the provider: with a sign-in, a link, or a confirmed identity."""

from typing import Any

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from users import access
from users.exceptions import VerbRefused
from users.models import User
from users.oidc.exchanges import LINK, SUDO, Exchange
from users.oidc.links import find_link, link_of, linked_account, record_link_use
from users.oidc.provider_factor import (
    claims_factor,
    forget_provider_factor,
    record_provider_factor,
)
from users.oidc.refusals import OidcRefused
from users.sessions import sign_in_events
from users.sessions.models import SignInMethod, SignInOutcome
from users.signin.oidc_roles import sync_roles
from users.signin.pending_sign_in import continue_form, keep_form, record_sign_in_method
from users.staff.links.changes import link_own_account
from users.sudo.confirmation import confirm_sudo
from users.web.error_page import error_page

LINK_PATH = "/me/single-sign-on/"
# By the purpose of the round trip.
BACK_PATHS = {LINK: LINK_PATH, SUDO: "/sudo/"}


def complete_exchange(request, exchange: Exchange, claims: dict[str, Any]) -> HttpResponse:
    """Returns the page that the round trip leads to. Raises OidcRefused."""
    if exchange.purpose == SUDO:
        return confirm_by_provider(request, exchange, claims["sub"])
    if exchange.purpose == LINK:
        return link_viewer(request, claims["sub"])
    return sign_in_person(request, exchange, claims)


def sign_in_person(request, exchange: Exchange, claims: dict[str, Any]) -> HttpResponse:
    """Signs the owner of a linked account in, as after a password."""
    link = find_link(claims["sub"])
    account = linked_account(link) if link else None
    if link is None or account is None:
        return unlinked_page(request, claims["sub"])
    has_factor = claims_factor(claims)
    record_link_use(link, has_factor=has_factor)
    if account.is_active:
        sync_roles(account, claims)
    return sign_in_account(request, account, exchange, has_factor)


def sign_in_account(request, account: User, exchange: Exchange, has_factor: bool) -> HttpResponse:
    """Signs the account in. `has_factor`: the provider has asked for a second factor, so no second
    step follows.
    """
    passwordless: dict[str, Any] = {}
    forget_provider_factor(request.session)
    if has_factor:
        record_provider_factor(request.session, account)
        # allauth's second step reads these.
        passwordless = {"type": "webauthn", "passwordless": True}
    record_sign_in_method(request, account, SignInMethod.OIDC, **passwordless)
    if exchange.kept:
        keep_form(request, exchange.kept)
    login = Login(user=account, redirect_url=exchange.next or None)
    response = perform_login(request, login)
    if not request.user.is_authenticated:
        forget_provider_factor(request.session)
    return continue_form(request, response)


def unlinked_page(request, subject: str) -> HttpResponse:
    """Returns the page that says how an identity gets linked."""
    sign_in_events.record_attempt(SignInOutcome.NOT_LINKED, way=SignInMethod.OIDC)
    context = {
        "provider": settings.OIDC.name,
        "subject": subject,
        "has_password": settings.OIDC.mode != "only",
    }
    return render(request, "users/oidc/unlinked.html", context, status=403)


def confirm_by_provider(request, exchange: Exchange, subject: str) -> HttpResponse:
    """Confirms the identity of a viewer who has just signed in again at the provider."""
    link = link_of(request.user)
    if not access.may_enter(request.user) or link is None or link.subject != subject:
        raise OidcRefused("other-person")
    record_link_use(link)
    return confirm_sudo(request, "oidc", {"next": exchange.next, "kept": exchange.kept})


def link_viewer(request, subject: str) -> HttpResponse:
    """Links the account of the viewer, who confirmed their identity before the round trip."""
    try:
        link_own_account(request.user, subject)
    except VerbRefused as refused:
        return error_page(request, 409, refused.message, back=LINK_PATH)
    messages.success(request, f"Linked to {settings.OIDC.name}.")
    return redirect(LINK_PATH)
