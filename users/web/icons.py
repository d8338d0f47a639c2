"""Addresses of static files, and icons of their sprite: looked up once, since a page has dozens."""

from functools import cache

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

ICON = '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>'
asset = cache(static)


@cache
def icon_svg(name: str) -> SafeString:
    """An icon as decoration: screen readers skip it."""
    return format_html(ICON, static("icons.svg"), name)
