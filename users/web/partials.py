"""Reads what HTMX says about a request.

The headers are read here and not from request.htmx, since an error page may be made before
HtmxMiddleware has run.
"""

from collections.abc import Callable
from typing import Any

View = Callable[..., Any]


def background_view(view: View) -> View:
    """Marks a view whose parts HTMX asks for by itself. When the session has ended they answer 401
    without a redirect, so that no form that is open is lost.
    """
    view.background = True  # type: ignore[attr-defined]
    return view


def is_background(view: View) -> bool:
    return getattr(view, "background", False)


def is_htmx_request(request) -> bool:
    """Returns whether HTMX sent the request, be it for a part of a page or for a whole one."""
    return request.headers.get("HX-Request") == "true"


def is_partial(request) -> bool:
    """Returns whether HTMX puts the response into a part of the page. It needs whole pages for
    boosted links and when it restores its history.
    """
    headers = request.headers
    whole = {headers.get("HX-Boosted"), headers.get("HX-History-Restore-Request")}
    return is_htmx_request(request) and "true" not in whole


def htmx_page_path(request) -> str:
    """Returns the path of the page that sent the request by HTMX; "" for other requests, and where
    the browser names no page or one of another site.
    """
    if not is_htmx_request(request):
        return ""
    try:
        return request.htmx.current_url_abs_path or ""
    except ValueError:
        # The header is no URL at all.
        return ""
