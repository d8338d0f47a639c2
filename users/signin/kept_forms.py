"""Forms that were sent when the session was over, or with a token of another session. Nothing is
done, and what was typed comes back: in the form itself, or by the sign-in page, which leads to it.

Only what a page of this site has sent is kept; another site could fill in a form otherwise.
"""

from io import BytesIO
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.html import escape
from django_htmx.middleware import HtmxDetails

from users.exceptions import BadRequest, VerbRefused
from users.sessions.ended_sessions import ended_session
from users.signin.entry_rules import entry_redirect
from users.signin.forms import LoginForm
from users.signin.name_cookie import COOKIE, cookie_name_value
from users.web.cookie_names import host_cookie_name
from users.web.form_refill import TOKEN_NAME, is_secret, refill_form
from users.web.partials import is_partial
from users.web.same_origin import form_page_path, is_same_origin

KEPT_SALT = "users.signin.kept_forms"
KEPT_SECONDS = 24 * 3600
KEPT_MAX = 200_000  # characters
SIGNED_IN_NOTE = "Your session had ended, so nothing was saved. Check the form and send it again."
EXPIRED_NOTE = "This form had expired, so nothing was saved. Check it and send it again."
# What belongs to the body of a request, or is cached from its address.
BODY_ATTRIBUTES = ("GET", "headers", "accepted_types", "_post", "_files", "_body")
REFUSALS = (PermissionDenied, Http404, Resolver404, BadRequest, VerbRefused)


def typed_values(request) -> QueryDict | None:
    """Returns what was typed into a form of this site, without passwords and codes. None for any
    other request, and for a form that is too long to keep.
    """
    if request.method != "POST" or is_partial(request) or not is_same_origin(request):
        return None
    typed = QueryDict(mutable=True)
    for name, values in request.POST.lists():
        if name != TOKEN_NAME and not is_secret(name):
            typed.setlist(name, values)
    return typed if typed and len(typed.urlencode()) <= KEPT_MAX else None


def login_page(request, typed: QueryDict) -> HttpResponse:
    """Returns the sign-in page, which leads back to the posted form with what was typed."""
    page = form_page_path(request)
    who = request.COOKIES.get(host_cookie_name(COOKIE), "")
    kept = [page, request.get_full_path(), who, typed.urlencode()]
    context = {
        "form": LoginForm(request=request),
        "redirect_field_name": "next",
        "redirect_field_value": page,
        "kept": signing.dumps(kept, salt=KEPT_SALT, compress=True),
        "ended": ended_session(request.session),
    }
    return render(request, "account/login.html", context, status=401)


def returned_form(request, token: str) -> HttpResponse | None:
    """Returns the form of `kept` filled in again for whoever has just signed in; None if it is
    someone else's or can't be shown.
    """
    try:
        kept = signing.loads(token, salt=KEPT_SALT, max_age=KEPT_SECONDS)
        page, action, who, query = kept
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if who not in ("", cookie_name_value(request.user)):
        return None
    return filled_page(request, page, action, QueryDict(query), SIGNED_IN_NOTE)


def form_again(request) -> HttpResponse | None:
    """Returns the posted form filled in again, with a fresh token."""
    typed = typed_values(request)
    if typed is None:
        return None
    action = request.get_full_path()
    pages = dict.fromkeys([form_page_path(request), action])
    for page in pages:
        if response := filled_page(request, page, action, typed, EXPIRED_NOTE):
            response.status_code = 403
            return response
    return None


def filled_page(
    request, page: str, action: str, typed: QueryDict, note: str
) -> HttpResponse | None:
    """Returns the page with `typed` in its form that goes to `action`; None if the viewer may not
    see the page, or it has no such form.
    """
    try:
        response = get_page(request, page)
    except REFUSALS:
        return None
    if response is None or response.status_code != 200 or response.streaming:
        return None
    if not response.get("Content-Type", "").startswith("text/html"):
        return None
    html = refill_form(response.content.decode(), action, typed, note)
    if not html:
        return None
    # A script puts this address into the browser, in place of that of the request.
    address = f'<meta name="address" content="{escape(page)}">'
    return HttpResponse(html.replace("</head>", f"{address}</head>", 1))


def get_page(request, page: str) -> HttpResponse | None:
    """Returns the response to a GET of `page` by the viewer of this request, who may be new."""
    inner = get_request(request, page)
    match = resolve(inner.path_info)
    inner.resolver_match = match
    if entry_redirect(inner):
        return None
    response = match.func(inner, *match.args, **match.kwargs)
    if hasattr(response, "render"):
        response.render()
    for name in ("CSRF_COOKIE", "CSRF_COOKIE_NEEDS_UPDATE"):
        if name in inner.META:
            request.META[name] = inner.META[name]
    return response


def get_request(request, page: str) -> Any:
    """Returns a GET request for `page` with the session and the viewer of `request`.

    It shares what middleware has put into the outer request: session, viewer, messages. What
    describes the body or the address of that request is left out, and so are the headers of HTMX,
    since a whole page is wanted, uncompressed.
    """
    address = urlsplit(page)
    environ = {
        name: value
        for name, value in request.environ.items()
        if not name.startswith("HTTP_HX_") and name != "HTTP_ACCEPT_ENCODING"
    }
    environ |= {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": unquote(address.path).encode().decode("latin-1"),
        "QUERY_STRING": address.query,
        "CONTENT_LENGTH": "0",
        "wsgi.input": BytesIO(),
    }
    inner = type(request)(environ)
    shared = {
        name: value
        for name, value in vars(request).items()
        if name not in BODY_ATTRIBUTES and name not in vars(inner)
    }
    vars(inner).update(shared)
    inner.htmx = HtmxDetails(inner)
    return inner
