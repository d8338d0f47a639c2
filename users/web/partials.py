"""Requests of HTMX for a part of a page."""

from collections.abc import Callable
from typing import Any

View = Callable[..., Any]


def background(view: View) -> View:
    """Marks a view whose parts HTMX asks for by itself. When the session has ended they answer 401
    without a redirect, so that no form that is open is lost.
    """
    view.background = True  # type: ignore[attr-defined]
    return view


def is_background(view: View) -> bool:
    return getattr(view, "background", False)


def is_htmx_swap(request) -> bool:
    """Whether HTMX will put the response into a part of the page that is there."""
    whole = {request.headers.get("HX-Boosted"), request.headers.get("HX-History-Restore-Request")}
    return request.headers.get("HX-Request") == "true" and "true" not in whole


def is_partial(request) -> bool:
    """Whether HTMX asks for a part of the page that it has."""
    htmx = request.htmx
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def htmx_page_path(request) -> str:
    """The path of the page that asks by HTMX; "" if the browser names none, or one of another
    site.
    """
    if not request.htmx:
        return ""
    try:
        return request.htmx.current_url_abs_path or ""
    except ValueError:
        # The header is no URL at all.
        return ""
