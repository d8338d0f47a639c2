"""The error page: it says what is wrong and how to go on."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from users.web.partials import is_partial

HEADINGS = {
    400: "This link isn’t valid",
    403: "Not allowed",
    404: "Not found",
    405: "Request not supported",
    409: "Not possible right now",
    410: "No longer available",
    413: "Too large",
    429: "Too many requests",
}


def error_page(request, status: int, message: str, allow: str = "", **context: Any) -> HttpResponse:
    """Returns the error page, or only its inner part if HTMX asked for a part of a page. `allow`:
    the header of that name.
    """
    context = {
        "status": status,
        "heading": HEADINGS.get(status, "Something went wrong"),
        "message": message,
        "place": htmx_target(request),
    } | context
    template = f"errors/error.html{error_partial(request)}"
    response = render(request, template, context, status=status)
    if allow:
        response["Allow"] = allow
    return response


def error_partial(request) -> str:
    """Returns what follows the name of the error template."""
    return "#trouble" if is_partial(request) else ""


def htmx_target(request) -> str:
    """Returns the id of the element that the error replaces; "" for a whole page. The error keeps
    that id, so that the next response finds its target.
    """
    return request.headers.get("HX-Target", "") if is_partial(request) else ""
