"""Looks once more through each page for somebody for whom personal data is masked."""

from typing import Any

from django.utils.functional import empty

from users import masking

UNMASKED_PATHS = ("/me/", "/login/", "/logout/", "/password/")


class MaskingMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        # Pages from the cache are covered already, and compressed.
        if (
            "Content-Encoding" not in response
            and not request.path_info.startswith(UNMASKED_PATHS)
            and is_known_staff(request)
        ):
            masking.mask_response(request, response)
        return response


def is_known_staff(request: Any) -> bool:
    """Whoever is not known by now, or is no colleague, sees nobody's data but their own."""
    viewer: Any = getattr(request, "user", None)
    return (
        getattr(viewer, "_wrapped", viewer) not in (empty, None)
        and viewer.is_authenticated
        and viewer.is_staff
    )
