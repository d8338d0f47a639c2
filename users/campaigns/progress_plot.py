"""The plot of a campaign: how many emails were sent and failed in each span of time.

Samples hold totals, so a bar is the difference of two, and all bars add up to the last total.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from users.campaigns.counts import MessageCounts, State
from users.campaigns.models import Campaign
from users.web.plots import Plot, Series
from users.web.time_html import clock_time, day_text
from users.web.time_zone import local_time

BARS_MAX = 48
SPANS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=7),
)
# Plots with fewer bars would have very wide ones.
BARS_MIN = 12
Totals = tuple[int, int]


@dataclass(frozen=True)
class TimeSpan:
    """The time of one bar."""

    start: datetime
    length: timedelta

    @property
    def label(self) -> str:
        day = day_text(self.start)
        return day if self.length >= timedelta(days=1) else f"{day}, {clock_time(self.start)}"

    @property
    def tick(self) -> str:
        long = self.length >= timedelta(days=1)
        return day_text(self.start) if long else clock_time(self.start)


def progress_plot(campaign: Campaign, counts: MessageCounts) -> Plot | None:
    """Returns the plot up to `counts`; None before anything was sent."""
    if not campaign.started_at or not counts.at or not any(message_totals(counts)):
        return None
    samples = []
    for at, rows in campaign.samples.order_by("at").values_list("at", "counts"):
        samples.append((at, message_totals(MessageCounts(rows))))
    samples.append((counts.at, message_totals(counts)))
    last = last_change(samples)
    spans = plot_spans(campaign.started_at, last)
    sent, failed = span_values(spans, samples)
    series = [Series("Sent", sent), Series("Failed", failed, is_failure=True)]
    return Plot(
        title="Emails sent",
        period="since the start",
        buckets=spans,
        series=series,
    )


def message_totals(counts: MessageCounts) -> Totals:
    """Returns how many messages were sent, and how many failed."""
    return counts.in_state(State.SENT), counts.in_state(State.FAILED)


def last_change(samples: list[tuple[datetime, Totals]]) -> datetime:
    """Returns the time of the first sample with the last totals."""
    end = samples[-1]
    for sample in reversed(samples):
        if sample[1] != end[1]:
            break
        end = sample
    return end[0]


def plot_spans(first: datetime, last: datetime) -> list[TimeSpan]:
    """Returns the spans of the bars, of equal length, in the viewer's time zone."""
    length = next((span for span in SPANS if (last - first) / span < BARS_MAX), SPANS[-1])
    local = local_time(first)
    start = local.replace(second=0, microsecond=0)
    if length >= timedelta(days=1):
        start = start.replace(hour=0, minute=0)
    elif length > timedelta(minutes=1):
        minutes = int(length.total_seconds() // 60)
        passed = (start.hour * 60 + start.minute) % minutes
        start -= timedelta(minutes=passed)
    number = max(int((last - start) / length) + 1, BARS_MIN)
    first_shown = max(number - BARS_MAX, 0)
    return [TimeSpan(start + length * n, length) for n in range(first_shown, number)]


def span_values(
    spans: list[TimeSpan], samples: list[tuple[datetime, Totals]]
) -> tuple[list[int], list[int]]:
    """Returns what was sent and what failed in each span. A retry takes failures back, and these
    spans count none.
    """
    sent = [0] * len(spans)
    failed = [0] * len(spans)
    before: Totals = (0, 0)
    for at, totals in samples:
        index = int((at - spans[0].start) / spans[0].length)
        place = min(max(index, 0), len(spans) - 1)
        sent[place] += max(totals[0] - before[0], 0)
        failed[place] += max(totals[1] - before[1], 0)
        before = totals
    return sent, failed
