"""Who gets past the door: by default a path is the back office, which only active staff reach."""

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect

from users import access
from users.web.partials import page_around

PUBLIC = ("/login/", "/password/", "/email/", "/signup/", "/inactive/", "/healthz", "/readyz")
FOR_EVERY_ACCOUNT = ("/me/", "/logout/")
CHANGING = (
    "/me/password/",
    "/logout/",
)  # all that somebody reaches who must choose a new password first


class BackOfficeMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if request.path_info.startswith(PUBLIC):
            return None
        if not request.user.is_authenticated:
            return to_login(request)
        if request.user.must_change_password and not request.path_info.startswith(CHANGING):
            return instead(request, CHANGING[0])
        if request.path_info.startswith(FOR_EVERY_ACCOUNT):
            return None
        if not access.may_enter(request.user):
            if request.path_info == "/":
                return HttpResponseRedirect("/me/")
            raise access.Denied("enter", "Only active staff may use the back office.")
        return None


def to_login(request) -> HttpResponse:
    """To the sign-in page and back: for HTMX, to the page that it stands in."""
    url = settings.LOGIN_URL
    back = ""
    if is_htmx(request):
        back = page_around(request)
    elif request.method == "GET":
        back = request.get_full_path()
    if back not in ("", "/"):
        url += "?" + urlencode({"next": back})
    return instead(request, url)


def instead(request, url: str) -> HttpResponse:
    """HTMX follows a redirect by itself and would put the page into the table: it is told."""
    if is_htmx(request):
        return HttpResponse(status=401, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def is_htmx(request) -> bool:
    return request.headers.get("HX-Request") == "true"
