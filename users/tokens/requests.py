"""Serves views to programs that send a token, and answers those that have no valid one."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from users.tokens.check import TokenRefused, authenticate_request
from users.tokens.throttle import TokenThrottled

PROBLEM_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="Rollcall"'


def token_required(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorates a view whose requests need a token instead of a session.

    Cookies play no part, so no other site can send a request with somebody's rights.
    """

    @csrf_exempt
    @wraps(view)
    def checked(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            holder = authenticate_request(request)
        except TokenRefused as refused:
            headers = {"WWW-Authenticate": CHALLENGE}
            return problem_response(401, "Unauthorized", str(refused), headers)
        except TokenThrottled as throttled:
            headers = {"Retry-After": str(throttled.seconds)}
            return problem_response(429, "Too Many Requests", str(throttled), headers)
        request.user = holder.viewer
        request.token = holder.token
        return view(request, *args, **kwargs)

    return checked


def problem_response(
    status: int, title: str, detail: str, headers: dict[str, str] | None = None
) -> JsonResponse:
    """Returns a problem as RFC 9457 describes it."""
    problem = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
    }
    response = JsonResponse(problem, status=status, content_type=PROBLEM_TYPE)
    response["Cache-Control"] = "no-store"
    for name, value in (headers or {}).items():
        response[name] = value
    return response
