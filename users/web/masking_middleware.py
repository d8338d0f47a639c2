"""Masks personal data in responses: a second line of defence behind the masking of accounts."""

from typing import Any

from django.utils.functional import empty

from users import masking

UNMASKED_PATHS = ("/me/", "/login/", "/logout/", "/password/")


class MaskingMiddleware:
    """Masks every response for staff. Pages from the cache are masked and compressed already."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if "Content-Encoding" in response or is_own_page(request):
            return response
        if is_known_staff(request):
            masking.mask_response(request, response)
        return response


def is_own_page(request: Any) -> bool:
    """Returns whether the response is a page of the viewer themselves. A form that waited for the
    sign-in is shown with its page, whatever the address of the request.
    """
    returned = getattr(request, "shown_match", None)
    path = f"/{returned.route}" if returned else request.path_info
    return bool(path.startswith(UNMASKED_PATHS))


def is_known_staff(request: Any) -> bool:
    """Returns whether the viewer has been loaded and is staff. Others see only their own data."""
    viewer: Any = getattr(request, "user", None)
    if getattr(viewer, "_wrapped", viewer) in (empty, None):
        return False
    return viewer.is_authenticated and viewer.is_staff
