"""The page that says what is wrong and how to go on."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from users.web.partials import is_htmx_swap


def error_page(request, status: int, message: str, allow: str = "", **context: Any) -> HttpResponse:
    context = {"status": status, "message": message, "place": htmx_target(request)} | context
    response = render(request, "errors/error.html" + error_partial(request), context, status=status)
    if allow:
        response["Allow"] = allow
    return response


def error_partial(request) -> str:
    return "#trouble" if is_htmx_swap(request) else ""


def htmx_target(request) -> str:
    """The id of what the error will stand in for. It keeps that, so that the next answer finds its
    place.
    """
    return request.headers.get("HX-Target", "") if is_htmx_swap(request) else ""
