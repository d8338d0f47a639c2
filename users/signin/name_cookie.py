"""The viewer's name, in a cookie of their browser: a static script puts it into the page, which
itself names nobody.
"""

from urllib.parse import quote

from django.conf import settings

COOKIE = "viewer"
MAX_NAME_LENGTH = 60  # characters


class NameCookieMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        is_page = response.get("Content-Type", "").startswith("text/html")
        # After 401 the same person may come back to what they typed.
        if response.status_code == 401 or response.status_code >= 500 or not is_page:
            return response
        user = request.user
        given = request.COOKIES.get(COOKIE, "")
        name = quote(user.display_name[:MAX_NAME_LENGTH], safe="") if user.is_authenticated else ""
        if name and name != given:
            response.set_cookie(COOKIE, name, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
        elif given and not name:
            response.delete_cookie(COOKIE, samesite="Lax")
        return response
