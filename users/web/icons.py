"""Addresses of static files, and icons out of their sprite: looked up once, since a page holds
dozens.
"""

from functools import cache

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

asset = cache(static)


@cache
def icon_svg(name: str) -> SafeString:
    """Decorative, so screen readers skip it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("icons.svg"), name
    )
