"""Restricts all paths to active staff, except public paths and those open to any account."""

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse

from users.signin.entry_rules import entry_redirect
from users.signin.kept_forms import login_page
from users.web.form_return import redirect_response, typed_values
from users.web.partials import htmx_page_path, is_background, is_htmx_request
from users.web.same_origin import form_page_path, is_same_origin


class BackOfficeMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        path = entry_redirect(request)
        if path and is_htmx_request(request) and is_background(view):
            # Nobody asked for it, so the page stays as it is. Without a session it says so.
            return HttpResponse(status=401 if path == settings.LOGIN_URL else 204)
        if path == settings.LOGIN_URL:
            return redirect_to_login(request)
        return redirect_response(request, path) if path else None


def redirect_to_login(request) -> HttpResponse:
    """Returns a redirect to the sign-in page, which leads back afterwards: after a request of HTMX
    to the page that sent it, after a form to the form with what was typed.
    """
    if (typed := typed_values(request)) is not None:
        return login_page(request, typed)
    url = settings.LOGIN_URL
    back = ""
    if is_htmx_request(request):
        back = htmx_page_path(request)
    elif request.method == "GET":
        back = request.get_full_path()
    elif is_same_origin(request):
        back = form_page_path(request)
    if back not in ("", "/"):
        url += "?" + urlencode({"next": back})
    return redirect_response(request, url)
