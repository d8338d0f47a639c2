"""Small plots without axes, as SVG that the content security policy allows: no style attributes."""

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

WIDTH = 120
HEIGHT = 28
# Room for the line's own width.
MARGIN = 2
SVG = (
    '<svg class="sparkline" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">'
    '<polygon points="{}"/><polyline points="{}"/></svg>'
)


def sparkline_svg(values: Sequence[float] | None) -> SafeString:
    """Returns a plot of `values` from zero to their highest; "" for fewer than two values.

    Screen readers skip it: the newest value stands beside it as text.
    """
    if not values or len(values) < 2:
        return SafeString("")
    line = " ".join(plot_points(values))
    area = f"0,{HEIGHT} {line} {WIDTH},{HEIGHT}"
    return format_html(SVG, WIDTH, HEIGHT, area, line)


def plot_points(values: Sequence[float]) -> list[str]:
    highest = max(values) or 1
    step = WIDTH / (len(values) - 1)
    scale = (HEIGHT - 2 * MARGIN) / highest
    base = HEIGHT - MARGIN
    return [
        f"{number * step:.1f},{base - value * scale:.1f}" for number, value in enumerate(values)
    ]
