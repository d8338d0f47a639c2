"""The two pages of each round trip: the one that leads to the provider, and the refusal."""

import logging
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render

from users.oidc.refusals import OidcRefused
from users.sessions import sign_in_events
from users.sessions.models import SignInMethod, SignInOutcome

logger = logging.getLogger("rollcall.oidc")
# By the page to go back to.
HEADINGS = {
    "/login/": "Not signed in",
    "/me/single-sign-on/": "Not linked",
    "/sudo/": "Not confirmed",
}


def provider_redirect(request: Any, url: str) -> HttpResponse:
    """Returns a page that forwards to the provider. It is not a redirect, because browsers apply
    form-action of the content security policy to redirects after a form.
    """
    context = {"url": url, "provider": settings.OIDC.name}
    return render(request, "users/oidc/redirect.html", context)


def refusal_page(
    request: Any, refused: OidcRefused, *, back: str, is_answer: bool = False
) -> HttpResponse:
    """Returns the page that says why, after a line in the log. The refusal of an answer of the
    provider is also an attempt to sign in, of the viewer or of nobody known.
    """
    logger.warning("OpenID Connect refused: %s", refused, extra={"outcome": refused.code})
    if is_answer and refused.code != "throttled":
        viewer = request.user if request.user.is_authenticated else None
        sign_in_events.record_attempt(SignInOutcome.OIDC_REFUSED, viewer, way=SignInMethod.OIDC)
    context = {
        "heading": HEADINGS[back],
        "message": refused.message,
        "back": back,
        "provider": settings.OIDC.name,
    }
    return render(request, "users/oidc/refused.html", context, status=refused.status)
