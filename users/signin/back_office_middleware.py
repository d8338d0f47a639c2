"""Restricts all paths to active staff, except public paths and those open to any account."""

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect

from users import access
from users.web.partials import htmx_page_path, is_htmx_request

PUBLIC_PATHS = ("/login/", "/password/", "/email/", "/signup/", "/inactive/", "/healthz", "/readyz")
ANY_ACCOUNT_PATHS = ("/me/", "/logout/")
# The only paths open to an account that must choose a new password first.
PASSWORD_CHANGE_PATHS = ("/me/password/", "/logout/")


class BackOfficeMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        path = request.path_info
        if path.startswith(PUBLIC_PATHS):
            return None
        if not request.user.is_authenticated:
            return redirect_to_login(request)
        if request.user.must_change_password and not path.startswith(PASSWORD_CHANGE_PATHS):
            return redirect_response(request, PASSWORD_CHANGE_PATHS[0])
        if path.startswith(ANY_ACCOUNT_PATHS):
            return None
        if not access.may_enter(request.user):
            if path == "/":
                return HttpResponseRedirect("/me/")
            raise access.Denied("enter", "Only active staff may use the back office.")
        return None


def redirect_to_login(request) -> HttpResponse:
    """Returns a redirect to the sign-in page, which leads back afterwards; after a request of HTMX
    to the page that sent it.
    """
    url = settings.LOGIN_URL
    back = ""
    if is_htmx_request(request):
        back = htmx_page_path(request)
    elif request.method == "GET":
        back = request.get_full_path()
    if back not in ("", "/"):
        url += "?" + urlencode({"next": back})
    return redirect_response(request, url)


def redirect_response(request, url: str) -> HttpResponse:
    """Returns a redirect. HTMX gets 401 with HX-Redirect, since it would follow a redirect and swap
    the whole page into a part of the old one.
    """
    if is_htmx_request(request):
        return HttpResponse(status=401, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
