"""Whether a request comes from a page of ours, and which."""

from urllib.parse import urlsplit

from django.conf import settings


def is_same_origin(request) -> bool:
    """Returns whether the browser says that a page of this site has sent the request. Another site
    can make a browser send a form here, but not with this header.
    """
    origin = request.headers.get("Origin", "")
    own = f"{request.scheme}://{request.get_host()}"
    return origin == own or origin in settings.CSRF_TRUSTED_ORIGINS


def form_page_path(request) -> str:
    """Returns path and query of the page whose form was posted, as far as the browser says; else
    those of the request.
    """
    path = referring_path(request) if is_same_origin(request) else ""
    return path or request.get_full_path()


def referring_path(request) -> str:
    """Returns path and query of the page of this site that has led here; "" if the browser names
    none.
    """
    try:
        page = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        # The header is no URL at all.
        return ""
    if page.netloc != request.get_host():
        return ""
    return f"{page.path}?{page.query}" if page.query else page.path
