"""Limits the size of what a page may be sent, before anything of it is read.

Django's DATA_UPLOAD_MAX_MEMORY_SIZE is one limit for all pages, so it is that of the largest form;
each other page has FORM_BYTES.
"""

import sys
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from users.web.error_page import error_page

# As Django's default.
FORM_BYTES = 2_621_440
# For views that limit what they read by themselves, such as an upload.
OWN_LIMIT = sys.maxsize
TOO_LARGE = "This form is too large. The limit is {:,} kB. Shorten what you entered and try again."


def limit_form(size: int) -> Callable[[Any], Any]:
    """Returns a decorator for a view whose requests may have `size` bytes, in place of
    FORM_BYTES.
    """

    def set_limit(view: Any) -> Any:
        view.form_bytes = size
        return view

    return set_limit


class FormSizeMiddleware:
    """Refuses requests that are larger than their view allows."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Returns a 413 page for a request that is too large. The body is not read, since nobody
        would use it.
        """
        limit: int = getattr(view, "form_bytes", FORM_BYTES)
        if content_length(request) <= limit:
            return None
        request._mark_post_parse_error()  # type: ignore[attr-defined]
        return error_page(request, 413, TOO_LARGE.format(limit // 1000))


def content_length(request: HttpRequest) -> int:
    """Returns how many bytes the body has. Without a length, Django reads nothing."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
