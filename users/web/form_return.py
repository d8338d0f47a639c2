"""Brings back what was typed into a form that came too late, in the form itself.

Nothing has been done with it: the session was over, its token belonged to another session, or the
person had to confirm who they are. Only what a page of this site has sent is brought back; another
site could fill in a form otherwise.
"""

from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import Resolver404, resolve
from django.utils.html import escape
from django_htmx.middleware import HtmxDetails

from users.exceptions import BadRequest, SudoRequired, VerbRefused
from users.web.form_refill import TOKEN_NAME, is_secret, refill_form
from users.web.partials import is_htmx_request, is_partial
from users.web.same_origin import form_page_path, is_same_origin

KEPT_SECONDS = 24 * 3600
KEPT_MAX = 200_000  # characters
# What belongs to the body of a request, or is cached from its address.
BODY_ATTRIBUTES = ("GET", "headers", "accepted_types", "_post", "_files", "_body")
REFUSALS = (PermissionDenied, Http404, Resolver404, BadRequest, VerbRefused, SudoRequired)


class KeptForm(NamedTuple):
    """A form that was posted: the page that has it, the address to which it goes, whose it is, and
    what was typed, as a query string.
    """

    page: str
    action: str
    owner: str
    query: str


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


def sign_form(request, typed: QueryDict, *, owner: str, salt: str) -> str:
    """Returns the posted form as signed text, which a page carries in a hidden field."""
    kept = KeptForm(form_page_path(request), request.get_full_path(), owner, typed.urlencode())
    return signing.dumps(list(kept), salt=salt, compress=True)


def read_signed_form(token: str, salt: str) -> KeptForm | None:
    """Returns the form that `sign_form` has signed; None if it was tampered with or is too old."""
    try:
        return KeptForm(*signing.loads(token, salt=salt, max_age=KEPT_SECONDS))
    except (signing.BadSignature, ValueError, TypeError):
        return None


def filled_page(
    request, page: str, action: str, typed: QueryDict, note: str
) -> HttpResponse | None:
    """Returns the page with `typed` in its form that goes to `action`; None if the viewer may not
    see the page, or it has no such form. `request.shown_match` becomes the match of that page,
    because the middleware sees the path of another one.
    """
    try:
        response = get_page(request, page)
    except REFUSALS:
        return None
    if response.status_code != 200 or response.streaming:
        return None
    if not response.get("Content-Type", "").startswith("text/html"):
        return None
    html = refill_form(response.content.decode(), action, typed, note)
    if not html:
        return None
    request.shown_match = resolve(unquote(urlsplit(page).path))
    # A script puts this address into the browser, in place of that of the request.
    address = f'<meta name="address" content="{escape(page)}">'
    return HttpResponse(html.replace("</head>", f"{address}</head>", 1))


def get_page(request, page: str) -> HttpResponse:
    """Returns the response to a GET of `page` by the viewer of this request, who may be new."""
    inner = get_request(request, page)
    match = resolve(inner.path_info)
    inner.resolver_match = match
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


def redirect_response(request, url: str) -> HttpResponse:
    """Returns a redirect. HTMX gets 401 with HX-Redirect, since it would follow a redirect and swap
    the whole page into a part of the old one.
    """
    if is_htmx_request(request):
        return HttpResponse(status=401, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
