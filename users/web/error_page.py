"""The page that says what is wrong and how to go on."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from users.web.partials import is_partial


def error_page(request, status: int, message: str, allow: str = "", **context: Any) -> HttpResponse:
    context = {"status": status, "message": message, "place": htmx_target(request)} | context
    template = f"errors/error.html{error_partial(request)}"
    response = render(request, template, context, status=status)
    if allow:
        response["Allow"] = allow
    return response


def error_partial(request) -> str:
    return "#trouble" if is_partial(request) else ""


def htmx_target(request) -> str:
    """The id of the element that the error replaces. The error keeps that id, so that the next
    response finds its target.
    """
    return request.headers.get("HX-Target", "") if is_partial(request) else ""
