"""The numbers of a campaign's messages by state and fate.

Counting reads an index range of all its messages: up to half a second for a million. So pages share
a count, which is kept for twenty times as long as it took. A worker stores one every minute, for
the list of campaigns and for the plot.
"""

import json
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import caches
from django.db import OperationalError, transaction
from django.db.models import Count
from django.utils.dateparse import parse_datetime

from users.campaigns.models import Campaign, CampaignSample
from users.database.clock import current_time
from users.database.local_settings import set_local_settings
from users.mail.models import Message

State = Message.State
Fate = Message.Fate
# State, fate and number.
CountRows = list[tuple[str, str, int]]
# For how long pages show a count, in seconds: as a multiple of what it took, and at least.
KEPT_FACTOR = 20
KEPT_SECONDS = 2
KEPT_ENDED_SECONDS = 60
# A page shows the stored count instead of one that takes longer.
COUNT_LIMITS = {"statement_timeout": "1500", "enable_seqscan": "on"}
# The spans of samples, by the age of the campaign up to which they are taken.
SAMPLE_SPANS = (
    (timedelta(hours=2), timedelta(minutes=1)),
    (timedelta(days=1), timedelta(minutes=10)),
    (timedelta(days=14), timedelta(hours=1)),
)
LAST_SPAN = timedelta(days=1)


@dataclass(frozen=True)
class MessageCounts:
    """The numbers of the messages of a campaign, as of one moment."""

    rows: CountRows = field(default_factory=list)
    at: datetime | None = None

    @property
    def total(self) -> int:
        return sum(number for _, _, number in self.rows)

    def in_state(self, *states: str) -> int:
        return sum(number for state, _, number in self.rows if state in states)

    def with_fate(self, *fates: str) -> int:
        return sum(number for _, fate, number in self.rows if fate in fates)

    def sent_with(self, fate: str) -> int:
        """Returns how many of the sent messages have the fate."""
        return sum(each for state, own, each in self.rows if (state, own) == (State.SENT, fate))

    @property
    def finished(self) -> int:
        """The number of messages that don't wait."""
        return self.total - self.in_state(State.WAITING)

    @property
    def finished_percent(self) -> int:
        """The share of the messages that don't wait, rounded down."""
        return 100 * self.finished // (self.total or 1)


def count_messages(letter_id: int) -> MessageCounts:
    """Counts the messages in one query, so that the numbers add up."""
    messages = Message.objects.filter(letter_id=letter_id).order_by()
    rows = messages.values_list("state", "fate").annotate(number=Count("*"))
    at = current_time()
    return MessageCounts(sorted(rows), at)


def stored_counts(campaign: Campaign) -> MessageCounts:
    rows = [(state, fate, number) for state, fate, number in campaign.counts]
    return MessageCounts(rows, campaign.counted_at)


def recent_counts(campaign: Campaign) -> MessageCounts:
    """Returns a count that is some seconds old; the stored one if counting takes too long."""
    if campaign.state == Campaign.State.DRAFT:
        return MessageCounts()
    key = f"campaign:{campaign.pk}:{campaign.version}"
    if kept := caches["pages"].get(key):
        return parse_counts(kept)
    started = time.monotonic()
    try:
        with transaction.atomic():
            set_local_settings(COUNT_LIMITS)
            counts = count_messages(campaign.letter_id)
    except OperationalError:
        return stored_counts(campaign)
    took = time.monotonic() - started
    least = KEPT_SECONDS if campaign.is_open else KEPT_ENDED_SECONDS
    caches["pages"].set(key, format_counts(counts), max(least, int(KEPT_FACTOR * took)))
    return counts


def format_counts(counts: MessageCounts) -> str:
    return json.dumps([counts.rows, counts.at.isoformat() if counts.at else ""])


def parse_counts(text: str) -> MessageCounts:
    rows, at = json.loads(text)
    return MessageCounts(
        [(state, fate, number) for state, fate, number in rows], parse_datetime(at)
    )


def store_counts(campaign: Campaign) -> MessageCounts:
    """Counts the messages, and stores the numbers for the list and as a sample for the plot."""
    counts = count_messages(campaign.letter_id)
    row = Campaign.objects.filter(pk=campaign.pk)
    row.update(counts=counts.rows, counted_at=counts.at)
    now = counts.at or current_time()
    start = campaign.started_at or now
    CampaignSample.objects.update_or_create(
        campaign=campaign,
        at=sample_time(now, now - start),
        defaults={"counts": counts.rows},
    )
    return counts


def sample_time(now: datetime, age: timedelta) -> datetime:
    """Returns the beginning of the span of time that `now` lies in. Older campaigns have longer
    spans, so that none has more than a few hundred samples.
    """
    span = next((span for until, span in SAMPLE_SPANS if age < until), LAST_SPAN)
    seconds = span.total_seconds()
    return datetime.fromtimestamp(now.timestamp() // seconds * seconds, tz=now.tzinfo)


def count_links(campaign: Campaign, counts: MessageCounts) -> dict[str, Any]:
    """Returns the numbers as the page lists them: states, and the fates of what was sent. Each has
    its label, its number and the list of its messages.
    """
    path = f"/mail/campaigns/{campaign.pk}/messages/"
    states = [
        (state.value, state.label, counts.in_state(state), f"{path}?state={state.value}")
        for state in State
    ]
    fates = []
    for fate in Fate:
        name = fate.value or "none"
        number = counts.sent_with(fate.value)
        url = f"{path}?state={State.SENT.value}&fate={name}"
        fates.append((name, fate.label, number, url))
    return {"states": states, "fates": fates}
