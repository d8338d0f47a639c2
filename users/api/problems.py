"""Problems: the answers to requests that are refused, as RFC 9457 describes them."""

import logging
from datetime import timedelta
from functools import singledispatch
from math import ceil
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.signals import got_request_exception
from django.http import Http404, HttpResponse, UnreadablePostError
from ninja.errors import ValidationError as PathError

from users.access import Denied, explain_denial
from users.audit.record import record_denial
from users.database import failures
from users.database.clock import current_hour, current_time
from users.exceptions import BadParameter, BadRequest, JobRefused, SudoRequired, VerbRefused
from users.tokens.check import CHALLENGE, TokenRefused
from users.tokens.throttle import TokenThrottled
from users.web.problem_json import problem_response

logger = logging.getLogger("django.request")
FAILURE_TEXTS = {
    "": "The error was logged, and no change was saved halfway.",
    failures.AWAY: "The database is not available. Try again in a few seconds.",
    failures.FULL: "The database is full, so nothing was changed.",
    failures.NO_ROOM: "The server’s disk is full, so nothing was changed.",
    failures.SLOW: "The query was stopped after its time limit. Use a narrower filter.",
}
RETRY_SECONDS = 10


class ApiProblem(Exception):
    """A refused request.

    `errors` are the places that are wrong: each has `detail`, and either `parameter` (of the query
    or the path), `header`, or `pointer` (a JSON pointer into the body). `more`: other members of
    the problem.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        more: dict[str, Any] | None = None,
    ):
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors or []
        self.headers = headers or {}
        self.more = more or {}


def bad_query(parameter: str, detail: str) -> ApiProblem:
    """Returns the problem of a parameter in the query or the path."""
    return ApiProblem(400, detail, errors=[{"parameter": parameter, "detail": detail}])


def bad_body(pointer: str, detail: str, status: int = 422) -> ApiProblem:
    """Returns the problem of a place in the body; the pointer "" is the whole of it."""
    return ApiProblem(status, detail, errors=[{"pointer": pointer, "detail": detail}])


def json_pointer(*keys: object) -> str:
    """Returns the pointer to a place in a JSON text (RFC 6901)."""
    escaped = [str(key).replace("~", "~0").replace("/", "~1") for key in keys]
    return "".join(f"/{key}" for key in escaped)


def problem_answer(problem: ApiProblem) -> HttpResponse:
    """Returns the response with the problem as JSON."""
    named = {"errors": problem.errors} if problem.errors else {}
    return problem_response(
        problem.status,
        problem.detail,
        members=named | problem.more,
        headers=problem.headers,
    )


@singledispatch
def problem_of(error: Exception, request: Any) -> ApiProblem:
    """Returns the problem that stands for an exception. One that is none of ours is logged and
    reported, as Django does for pages.
    """
    kind = failures.failure_kind(error)
    status = 503 if kind else 500
    got_request_exception.send(sender=None, request=request)
    logger.error(
        "Failed API request: %s",
        request.path,
        exc_info=error,
        extra={"status_code": status, "request": request},
    )
    headers = {"Retry-After": str(RETRY_SECONDS)} if kind else {}
    return ApiProblem(status, FAILURE_TEXTS[kind], headers=headers)


@problem_of.register
def keep_problem(error: ApiProblem, request: Any) -> ApiProblem:
    return error


@problem_of.register
def refused_token_problem(error: TokenRefused, request: Any) -> ApiProblem:
    return ApiProblem(401, str(error), headers={"WWW-Authenticate": CHALLENGE})


@problem_of.register
def throttled_problem(error: TokenThrottled, request: Any) -> ApiProblem:
    return ApiProblem(429, str(error), headers=error.headers)


@problem_of.register
def denied_problem(error: Denied, request: Any) -> ApiProblem:
    """Returns the problem of a refused action, and records the refusal in the audit trail."""
    viewer = request.user if request.user.is_authenticated else None
    record_denial(viewer, error)
    sentences = explain_denial(viewer, error)
    more = {"permission": error.permission} if error.permission else {}
    return ApiProblem(403, " ".join(sentences), more=more)


@problem_of.register
def missing_problem(error: Http404, request: Any) -> ApiProblem:
    return ApiProblem(404, "There is nothing at this URL. Check the path and the ID.")


@problem_of.register(BadParameter)
@problem_of.register(BadRequest)
def bad_parameter_problem(error: BadParameter | BadRequest, request: Any) -> ApiProblem:
    return bad_query(error.parameter, error.message)


@problem_of.register
def bad_path_problem(error: PathError, request: Any) -> ApiProblem:
    errors = []
    for each in error.errors:
        name = str(each["loc"][-1])
        errors.append({"parameter": name, "detail": f"{name}: {each['msg']}."})
    return ApiProblem(400, errors[0]["detail"], errors=errors)


@problem_of.register(VerbRefused)
@problem_of.register(JobRefused)
def refused_problem(error: VerbRefused | JobRefused, request: Any) -> ApiProblem:
    return ApiProblem(409, str(error))


@problem_of.register
def sudo_problem(error: SudoRequired, request: Any) -> ApiProblem:
    if error.is_heavy_use:
        return heavy_use_problem()
    detail = "Only a person who has just confirmed their identity may do this. Use the page."
    return ApiProblem(403, detail)


def heavy_use_problem() -> ApiProblem:
    """Returns the problem of a program above the hourly limit (users/meter/)."""
    until = current_hour() + timedelta(hours=1)
    detail = (
        "The program has read more personal data than the hourly limit allows. "
        f"Try again after {until:%H:%M} UTC."
    )
    seconds = ceil((until - current_time()).total_seconds())
    return ApiProblem(429, detail, headers={"Retry-After": str(seconds)})


@problem_of.register(RequestDataTooBig)
@problem_of.register(UnreadablePostError)
def unread_problem(error: Exception, request: Any) -> ApiProblem:
    return ApiProblem(400, "The body could not be read to its end.")
