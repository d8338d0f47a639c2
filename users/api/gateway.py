"""The gateway of all API requests: the token, the rate, the limits, and problems for all errors.

Only a token authenticates. Cookies play no part, so no other site can send a request with
somebody's rights, and no CSRF token is needed.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from users.api.answers import conditional_answer
from users.api.problems import ApiProblem, problem_answer, problem_of
from users.api.shown_uses import count_noted_uses
from users.tokens.check import authenticate_request
from users.tokens.models import ApiToken
from users.tokens.throttle import token_rate_headers
from users.web.form_size import OWN_LIMIT, limit_form
from users.web.time_zone import activate_zone

ApiView = Callable[..., HttpResponse]
GET_METHODS = "GET, HEAD"
ONLY_PROVISIONING = (
    "This token provisions the accounts of one source, so it works at /scim/v2/ only. Create"
    " another token for this API."
)


def api_endpoint(view: ApiView) -> ApiView:
    """Decorates a view of the API. All of its answers are JSON."""

    @csrf_exempt
    @limit_form(OWN_LIMIT)
    @wraps(view)
    def served(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        method = request.method
        if method == "HEAD":
            # Built as for GET, and sent without the content.
            request.method = "GET"
        try:
            response = answer_request(request, view, *args, **kwargs)
        finally:
            request.method = method
        add_rate_headers(request, response)
        if method == "HEAD":
            response["Content-Length"] = str(len(response.content))
            response.content = b""
        patch_vary_headers(response, ("Authorization",))
        return response

    return served


def answer_request(request: Any, view: ApiView, *args: Any, **kwargs: Any) -> HttpResponse:
    """Returns the answer of the view for the holder of the token, or a problem."""
    try:
        holder = authenticate_request(request)
        request.user = holder.viewer
        request.token = holder.token
        refuse_provisioning(holder.token)
        # Days in filters are those of the holder, as on pages.
        activate_zone(holder.viewer)
        response = view(request, *args, **kwargs)
        response = conditional_answer(request, response)
        count_noted_uses(request, response)
    except Exception as error:
        return problem_answer(problem_of(error, request))
    if response.status_code == 405:
        return problem_answer(wrong_method(response.get("Allow", "")))
    return response


def refuse_provisioning(token: ApiToken) -> None:
    """Raises ApiProblem for a token of a source, which would reach all other accounts here."""
    if token.provisioning_scope is not None:
        raise ApiProblem(403, ONLY_PROVISIONING)


def wrong_method(allowed: str) -> ApiProblem:
    """Returns the problem of a method that the URL does not accept."""
    methods = allowed.replace("GET", GET_METHODS)
    detail = f"This URL does not accept this method. Allowed: {methods}."
    return ApiProblem(405, detail, headers={"Allow": methods})


def add_rate_headers(request: Any, response: HttpResponse) -> None:
    """Says how many requests the token may still send in this minute."""
    token: ApiToken | None = getattr(request, "token", None)
    if token is None:
        return
    for name, value in token_rate_headers(token).items():
        response[name] = value


@api_endpoint
def unknown_url(request: Any, rest: str = "") -> HttpResponse:
    """Answers URLs below /api/v1/ that don't exist, only to programs with a token."""
    raise Http404
