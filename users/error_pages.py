"""Error pages: each states the problem and what to do next."""

import sys

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpResponse, UnreadablePostError
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.template.loader import render_to_string

from users.access import Denied
from users.audit.record import record_denial
from users.database import failures
from users.database.failures import failure_kind
from users.exceptions import BadRequest, VerbRefused
from users.signin.back_office_middleware import redirect_to_login
from users.signin.entry_rules import PUBLIC_PATHS
from users.signin.kept_forms import form_again, typed_values
from users.web.error_page import error_page, error_partial, htmx_target
from users.web.form_refill import is_secret

FAILURE_PAGES = {"": "500", failures.AWAY: "503", failures.FULL: "full", failures.SLOW: "slow"}


class ErrorsMiddleware:
    """Turns exceptions that views do not catch into error pages."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if response.status_code == 405 and not response.content:
            return error_page(
                request,
                405,
                "This page does not accept this kind of request.",
                allow=response.get("Allow", ""),
            )
        return response

    def process_exception(self, request, exception):
        if isinstance(exception, BadRequest):
            return error_page(
                request, 400, exception.message, parameter=exception.parameter, back=exception.back
            )
        if isinstance(exception, VerbRefused):
            return error_page(request, 409, exception.message)
        return None


def bad_request(request, exception) -> HttpResponse:
    message = "Your browser sent data that this page can’t read. Reload it and try again."
    return error_page(request, 400, message)


def permission_denied(request, exception) -> HttpResponse:
    """Returns a 403 page, and records the refusal after the transaction has been rolled back."""
    if not isinstance(exception, Denied):
        return error_page(request, 403, str(exception) or "You may not do this.")
    actor = request.user if request.user.is_authenticated else None
    record_denial(actor, exception)
    return error_page(request, 403, exception.reason, permission=exception.permission)


def csrf_failure(request, reason="") -> HttpResponse:
    """Returns the form with what was typed and a fresh token, or the sign-in page that leads to it;
    for what no page of ours has sent, a 403 page.
    """
    if request.path_info == settings.LOGIN_URL and request.user.is_authenticated:
        # Signed in by now in another tab.
        return redirect("/")
    public = request.path_info.startswith(PUBLIC_PATHS)
    if not public and not request.user.is_authenticated and typed_values(request) is not None:
        return redirect_to_login(request)
    message = (
        "This form has expired or belongs to another session. "
        "Go back, reload the page and try again."
    )
    return form_again(request) or error_page(request, 403, message)


def page_not_found(request, exception) -> HttpResponse:
    message = "This page or account doesn’t exist. Check the link and try again."
    return error_page(request, 404, message)


def too_many_requests(request) -> HttpResponse:
    message = "Your network sent too many requests. Wait a minute and try again."
    return error_page(request, 429, message)


def server_error(request) -> HttpResponse:
    """Returns a 500 page, or 503 if the database is unavailable, full or too slow.

    The page needs neither session nor database nor navigation.
    """
    name = FAILURE_PAGES[failure_kind(sys.exc_info()[1])]
    status = 500 if name == "500" else 503
    headers = {} if name == "500" else {"Retry-After": "10"}
    context = {"place": htmx_target(request)} | retry_context(request)
    content = render_to_string(f"errors/{name}.html{error_partial(request)}", context)
    return HttpResponse(content, status=status, headers=headers)


def retry_context(request) -> dict[str, object]:
    """Returns what a form has sent that met the error, to be sent once more by a button of the
    error page. Nothing for a form with a password or a code.
    """
    try:
        typed = typed_values(request)
    except (UnreadablePostError, RequestDataTooBig, TooManyFieldsSent):
        return {}
    if typed is None or any(is_secret(name) for name in request.POST):
        return {}
    pairs = [(name, value) for name, values in typed.lists() for value in values]
    return {
        "action": request.get_full_path(),
        "token": get_token(request),
        "typed": pairs,
        # Shown too; the others are choices and single words.
        "texts": [value for _, value in pairs if " " in value.strip()],
    }
