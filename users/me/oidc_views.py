"""The viewer's own link to an identity at the OpenID Connect provider."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from users import access
from users.exceptions import VerbRefused
from users.oidc.exchanges import LINK, is_enabled, start_exchange
from users.oidc.links import link_of
from users.oidc.pages import provider_redirect, refusal_page
from users.oidc.refusals import OidcRefused
from users.sessions.local_sign_in import must_use_provider
from users.staff.links.changes import unlink_own_account
from users.sudo.recent import require_sudo
from users.web.error_page import error_page
from users.web.forms import form_page

OWN_LINK_URL = "/me/single-sign-on/"


@require_safe
def own_oidc_link(request) -> HttpResponse:
    require_staff_and_provider(request)
    context = {
        "link": link_of(request.user),
        "provider": settings.OIDC.name,
        "may_unlink": not must_use_provider(request.user),
    }
    return render(request, "users/me/oidc_link.html", context)


@require_POST
def own_oidc_link_start(request) -> HttpResponse:
    """Leads to the provider, and from there to users/signin/oidc_views.py."""
    require_staff_and_provider(request)
    require_sudo(request)
    if link_of(request.user):
        text = "Your account is already linked. Unlink it first."
        return error_page(request, 409, text, back=OWN_LINK_URL)
    try:
        url = start_exchange(request, LINK)
    except OidcRefused as refused:
        return refusal_page(request, refused, back=OWN_LINK_URL)
    return provider_redirect(request, url)


@form_page
def own_oidc_link_end(request) -> HttpResponse:
    require_staff_and_provider(request)
    require_sudo(request)
    link = link_of(request.user)
    if link is None:
        messages.info(request, "Your account is not linked.")
        return redirect(OWN_LINK_URL)
    if request.method == "POST":
        try:
            unlink_own_account(request.user)
        except VerbRefused as refused:
            return error_page(request, 409, refused.message, back=OWN_LINK_URL)
        messages.success(request, f"Unlinked from {settings.OIDC.name}.")
        return redirect(OWN_LINK_URL)
    context = {"link": link, "provider": settings.OIDC.name}
    return render(request, "users/me/oidc_link_end.html", context)


def require_staff_and_provider(request) -> None:
    """Raises Http404 without a provider, and for people who are not staff."""
    if not is_enabled() or not access.may_enter(request.user):
        raise Http404
