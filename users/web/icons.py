"""URLs of static files, the logo and icons. Cached, because a page has dozens of them.

Icons and the logo are part of the page's HTML, which is cheaper than another request.
"""

import re
from base64 import b64encode
from functools import cache
from pathlib import Path

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

FOLDER = Path(__file__).parent
SYMBOL = re.compile(r'<symbol id="([a-z]+)">(.+?)</symbol>')
# The stylesheet sets the stroke.
ICON = '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">{}</svg>'
asset = cache(static)


@cache
def icon_shapes() -> dict[str, SafeString]:
    """Returns the shapes of all icons by name."""
    found = SYMBOL.findall((FOLDER / "icons.svg").read_text())
    return {name: SafeString(shapes) for name, shapes in found}


@cache
def icon_svg(name: str) -> SafeString:
    """Returns an icon that screen readers skip. Raises KeyError."""
    return format_html(ICON, icon_shapes()[name])


@cache
def logo_url() -> SafeString:
    """Returns the logo as a data URL."""
    logo = b64encode((FOLDER / "logo.svg").read_bytes()).decode()
    return SafeString(f"data:image/svg+xml;base64,{logo}")
