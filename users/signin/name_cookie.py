"""Puts the viewer's name into a cookie, from which a static script copies it into the page.

So cached pages contain no viewer's name.
"""

from typing import Any
from urllib.parse import quote

from django.conf import settings

from users.web.cookie_names import host_cookie_name

COOKIE = "viewer"
MAX_NAME_LENGTH = 60


class NameCookieMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        is_html = response.get("Content-Type", "").startswith("text/html")
        # After 401 the same person may come back to what they typed.
        if response.status_code == 401 or response.status_code >= 500 or not is_html:
            return response
        cookie = host_cookie_name(COOKIE)
        current = request.COOKIES.get(cookie, "")
        name = cookie_name_value(request.user)
        if name and name != current:
            response.set_cookie(cookie, name, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
        elif current and not name:
            response.delete_cookie(cookie, samesite="Lax")
        return response


def cookie_name_value(viewer: Any) -> str:
    """Returns the viewer's name as the value of the cookie; "" for an anonymous one."""
    if not viewer.is_authenticated:
        return ""
    return quote(viewer.display_name[:MAX_NAME_LENGTH], safe="")
