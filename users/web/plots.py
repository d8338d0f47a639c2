"""Bar plots as SVG. They have classes and presentation attributes only, since the content security
policy forbids inline style.

Only numbers, labels of the code and dates are formatted into the HTML.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Protocol

from django.utils.html import format_html
from django.utils.safestring import SafeString

# In units of the view box. The plot is shown at about its size, so that text stays legible.
WIDTH = 360
HEIGHT = 150
LEFT = 40
RIGHT = 6
TOP = 10
BOTTOM = 24
PLOT_WIDTH = WIDTH - LEFT - RIGHT
PLOT_HEIGHT = HEIGHT - TOP - BOTTOM
# The part of its column that a bar fills.
BAR_FILL = 0.72
GRID_LINES = 3
SVG = """<svg class="plot" viewBox="0 0 {width} {height}" role="img"
aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{title}</title>
<desc id="{id}-d">{description}</desc>{content}</svg>"""
NICE_STEPS = (1, 2, 5, 10)


class PlotBucket(Protocol):
    """The time of one bar."""

    @property
    def label(self) -> str:
        """The time as a table shows it."""

    @property
    def tick(self) -> str:
        """The time as the axis shows it."""


@dataclass(frozen=True)
class Series:
    """The values of one metric, one for each bucket."""

    label: str
    values: list[int]
    is_failure: bool = False

    @property
    def total(self) -> int:
        return sum(self.values)

    @property
    def css_class(self) -> str:
        return "bar failed" if self.is_failure else "bar"


@dataclass(frozen=True)
class Plot:
    """Stacked bars over time, with the same figures as a table."""

    title: str
    period: str
    buckets: Sequence[PlotBucket]
    series: list[Series]

    @property
    def slug(self) -> str:
        return self.title.lower().replace(" ", "-")

    @property
    def rows(self) -> list[tuple[str, list[int]]]:
        """The lines of the table, newest first."""
        lines = []
        for number, bucket in enumerate(self.buckets):
            lines.append((bucket.label, [series.values[number] for series in self.series]))
        return lines[::-1]

    def rows_html(self) -> SafeString:
        """Returns the table's lines, without a template for each of their cells."""
        lines = []
        for label, values in self.rows:
            cells = "".join(f"<td>{value:,}</td>" for value in values)
            lines.append(f'<tr><th scope="row">{label}</th>{cells}</tr>')
        return SafeString("".join(lines))

    def svg(self) -> SafeString:
        """Returns the bars with the axes."""
        top = axis_top(self.highest)
        content = grid_svg(top) + ticks_svg(self.buckets) + bars_svg(self, top)
        totals = [f"{series.label}: {series.total:,}" for series in self.series]
        return format_html(
            SVG,
            id=f"plot-{self.slug}",
            width=WIDTH,
            height=HEIGHT,
            title=f"{self.title}, {self.period}",
            description=", ".join(totals),
            content=SafeString(content),
        )

    @property
    def highest(self) -> int:
        """The largest sum of the values of a bucket, which is the height of its bar."""
        columns = zip(*[series.values for series in self.series], strict=True)
        return max(map(sum, columns))


def axis_top(highest: int) -> int:
    """Returns the end of the axis: the lowest multiple of a round step that is not below the
    highest bar. The step is 1, 2 or 5 times a power of ten.
    """
    least = max(highest / GRID_LINES, 1)
    power = 10 ** int(log10(least))
    step = next(power * nice for nice in NICE_STEPS if power * nice >= least)
    return step * GRID_LINES


def axis_label(number: int) -> str:
    """Returns a round number in at most five characters, such as 300, 1.5k or 20M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:g}{unit}"
    return str(number)


def grid_svg(top: int) -> str:
    """Returns the horizontal lines with their labels."""
    lines = []
    for number in range(GRID_LINES + 1):
        y = TOP + PLOT_HEIGHT * (1 - number / GRID_LINES)
        css_class = "grid" if number else "grid base"
        line = f"M{LEFT} {y:.1f}H{WIDTH - RIGHT}"
        lines.append(f'<path class="{css_class}" d="{line}"/>')
        label = axis_label(top * number // GRID_LINES)
        lines.append(text_svg(LEFT - 6, y + 4, "end", label))
    return "".join(lines)


def text_svg(x: float, y: float, anchor: str, label: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{label}</text>'


def ticks_svg(buckets: Sequence[PlotBucket]) -> str:
    """Returns the labels of the first, the middle and the last bar."""
    column = PLOT_WIDTH / len(buckets)
    middle = len(buckets) // 2
    y = HEIGHT - 6
    return (
        text_svg(LEFT, y, "start", buckets[0].tick)
        + text_svg(LEFT + column * (middle + 0.5), y, "middle", buckets[middle].tick)
        + text_svg(WIDTH - RIGHT, y, "end", buckets[-1].tick)
    )


def bars_svg(plot: Plot, top: int) -> str:
    """Returns the bars, those of later series on top of earlier ones."""
    column = PLOT_WIDTH / len(plot.buckets)
    width = column * BAR_FILL
    bars = []
    for number, bucket in enumerate(plot.buckets):
        x = LEFT + column * number + (column - width) / 2
        y = float(TOP + PLOT_HEIGHT)
        for series in plot.series:
            value = series.values[number]
            if not value:
                continue
            height = max(PLOT_HEIGHT * value / top, 1)
            y -= height
            title = f"{bucket.label}: {value:,} {series.label.lower()}"
            place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
            bars.append(rect_svg(series.css_class, place, title))
    return "".join(bars)


def rect_svg(css_class: str, place: str, title: str) -> str:
    """Returns a part of a plot; the browser shows the title beside the pointer."""
    return f'<rect class="{css_class}" {place}><title>{title}</title></rect>'


def shares_svg(shares: list[tuple[str, str, float]]) -> SafeString:
    """Returns a bar of parts. `shares`: name of the class, label and percent of each part."""
    parts = []
    x = 0.0
    for name, label, percent in shares:
        if percent:
            place = f'x="{x:.2f}%" y="0" width="{percent:.2f}%" height="100%"'
            title = f"{label}: {percent:.1f}%"
            parts.append(rect_svg(f"part {name}", place, title))
            x += percent
    content = SafeString("".join(parts))
    return format_html(
        '<svg class="shares" width="100%" height="12" role="img" aria-label="{}">{}</svg>',
        "Accounts by status",
        content,
    )
