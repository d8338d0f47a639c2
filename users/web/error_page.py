"""The page that says what is wrong and how to go on."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from users.web.partials import is_htmx


def page(request, status: int, message: str, allow: str = "", **context: Any) -> HttpResponse:
    context = {"status": status, "message": message, "place": place(request)} | context
    response = render(request, "errors/error.html" + part(request), context, status=status)
    if allow:
        response["Allow"] = allow
    return response


def part(request) -> str:
    return "#trouble" if is_htmx(request) else ""


def place(request) -> str:
    """The id of what the error will stand in for. It keeps that, so that the next answer finds its
    place.
    """
    return request.headers.get("HX-Target", "") if is_htmx(request) else ""
