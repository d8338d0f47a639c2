"""URLs of static files and icons of the sprite. Cached, because a page has dozens of them."""

from functools import cache

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

ICON = '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>'
asset = cache(static)


@cache
def icon_svg(name: str) -> SafeString:
    """Returns an icon that screen readers skip."""
    return format_html(ICON, static("icons.svg"), name)
