"""Error pages: each states the problem and what to do next."""

import sys
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent
from django.http import HttpResponse, UnreadablePostError
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.template.loader import render_to_string

from users.access import Denied, explain_denial
from users.audit.models import AuditEvent
from users.audit.record import record_denial
from users.database import failures
from users.database.failures import failure_kind, refused_table
from users.exceptions import BadRequest, SudoRequired, VerbRefused
from users.signin.back_office_middleware import redirect_to_login
from users.signin.entry_rules import PUBLIC_PATHS
from users.signin.kept_forms import form_again
from users.sudo.confirmation import sudo_response
from users.web.error_page import error_page, error_partial, htmx_target
from users.web.form_refill import is_secret
from users.web.form_return import typed_values
from users.web.partials import is_partial
from users.web.problem_json import problem_response

# The lists with filters: their URLs are repaired by leaving the filters out.
FILTER_PAGES = ("/users/", "/users/filters/", "/audit/", "/jobs/")
# Programs read problems instead of pages, also where the URL was not resolved yet.
API_PATH = "/api/v1/"
WRONG_HOST = "This installation is not known under the host in the request."
CURSORS = ("after", "before")


@dataclass(frozen=True)
class Failure:
    """The page about a failure of the server. `links` have a URL and a label."""

    status: int
    heading: str
    advice: str
    links: tuple[tuple[str, str], ...] = (("/", "Go to the home page"),)


FAILURES = {
    "": Failure(
        500,
        "Something went wrong",
        "The error was logged, and no change was saved halfway. Try again. If it happens again,"
        " contact your administrator.",
    ),
    failures.AWAY: Failure(
        503,
        "The database is not available",
        "Wait a few seconds and try again. If you were saving, check first whether your change is"
        " there.",
    ),
    failures.FULL: Failure(
        503,
        "The database is full",
        "Nothing was changed, because the disk of the database server is full. Waiting won’t help."
        " You can still view pages. Contact your administrator.",
    ),
    failures.NO_ROOM: Failure(
        503,
        "The server’s disk is full",
        "There is no room for temporary files, which large uploads and downloads need. Nothing was"
        " changed. Waiting won’t help. You can still view pages. Contact your administrator.",
    ),
    failures.SLOW: Failure(
        503,
        "This took too long",
        "The query was stopped after two seconds so that it doesn’t slow down others. Nothing was"
        " changed. Use a longer search term, another filter or the default sort order.",
        (("/users/", "Clear filters"), ("/users/filters/", "Choose filters")),
    ),
}
# A statement of a form that was stopped after its time limit.
SLOW_CHANGE = Failure(
    503,
    "This took too long",
    "Nothing was changed, because the database is too slow right now. Try again in a minute.",
)
# The database has refused an audit event, and so the change.
UNRECORDED_CHANGE = Failure(
    500,
    "The change could not be recorded",
    "Nothing was changed, because the audit trail did not accept the event. Contact your"
    " administrator.",
)


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
                request,
                400,
                exception.message,
                parameter=exception.parameter,
                back=exception.back,
                back_label=back_label(request, exception),
            )
        if isinstance(exception, VerbRefused):
            account = exception.account
            back = f"/users/{account.pk}/" if account else ""
            return error_page(
                request, 409, exception.message, back=back, back_label="Back to the account"
            )
        if isinstance(exception, SudoRequired):
            return sudo_response(request, exception)
        return None


def back_label(request, error: BadRequest) -> str:
    """Returns the label of the link to the page that a bad URL should have led to."""
    if error.parameter in CURSORS:
        return "Start again"
    return "Clear filters" if request.path in FILTER_PAGES else "Back"


def bad_request(request, exception) -> HttpResponse:
    if request.path_info.startswith(API_PATH):
        is_host = isinstance(exception, DisallowedHost)
        detail = WRONG_HOST if is_host else "The request could not be read."
        return problem_response(400, detail)
    message = "Your browser sent data that this page can’t read. Reload it and try again."
    return error_page(request, 400, message)


def permission_denied(request, exception) -> HttpResponse:
    """Returns a 403 page, and records the refusal after the transaction has been rolled back."""
    if not isinstance(exception, Denied):
        return error_page(request, 403, str(exception) or "You may not do this.")
    actor = request.user if request.user.is_authenticated else None
    record_denial(actor, exception)
    message, *advice = explain_denial(actor, exception)
    return error_page(
        request,
        403,
        message,
        advice=advice,
        permission=exception.permission,
    )


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
    response = form_again(request) or error_page(request, 403, message)
    if is_partial(request):
        # A script says it in place; what is typed beside the part stays.
        response["HX-Reswap"] = "none"
        response["HX-Trigger"] = "sessionchanged"
    return response


def page_not_found(request, exception) -> HttpResponse:
    message = "This page or account doesn’t exist. Check the link and try again."
    return error_page(request, 404, message)


def too_many_requests(request) -> HttpResponse:
    message = "Your network sent too many requests. Wait a minute and try again."
    return error_page(request, 429, message)


def server_error(request) -> HttpResponse:
    """Returns a 500 page, or 503 if the database is unavailable or too slow, or a disk is full.

    The page needs neither session nor database nor navigation.
    """
    failure = find_failure(request)
    headers = {} if failure.status == 500 else {"Retry-After": "10"}
    context = {"failure": failure, "place": htmx_target(request)} | retry_context(request)
    content = render_to_string(f"errors/failure.html{error_partial(request)}", context)
    return HttpResponse(content, status=failure.status, headers=headers)


def find_failure(request) -> Failure:
    """Returns the page about the exception that is being handled."""
    error = sys.exc_info()[1]
    if refused_table(error) == AuditEvent._meta.db_table:
        return UNRECORDED_CHANGE
    kind = failure_kind(error)
    if kind == failures.SLOW and request.method == "POST":
        return SLOW_CHANGE
    return FAILURES[kind]


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
