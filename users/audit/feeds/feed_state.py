"""How far the feeds are behind, for the page, the metrics and the alarm."""

from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

from users.audit.feeds.models import DeadLetter, Feed
from users.audit.models import AuditEvent, ChainHead
from users.database.clock import current_time
from users.metrics.registry import count_up_to

COUNT_LIMIT = 10_000
LAG_LIMIT = timedelta(minutes=15)


class FeedState(NamedTuple):
    """`feed`: None until the worker has looked at it. `waits_since`: the time of the first event
    that is sealed and not sent.
    """

    name: str
    host: str
    feed: Feed | None
    waiting: int = 0
    waits_since: datetime | None = None
    dead: int = 0

    @property
    def is_late(self) -> bool:
        since = self.waits_since
        return since is not None and since < current_time() - LAG_LIMIT

    @property
    def lag_seconds(self) -> float:
        since = self.waits_since
        return (current_time() - since).total_seconds() if since else 0.0


def feed_states() -> list[FeedState]:
    """Returns the state of each feed of the settings."""
    targets = settings.AUDIT_FEEDS.targets()
    found = Feed.objects.filter(name__in=list(targets))[: len(targets)]
    rows = {feed.name: feed for feed in found}
    head = ChainHead.objects.values_list("position", flat=True).first() or 0
    return [feed_state(name, url, rows.get(name), head) for name, url in targets.items()]


def feed_state(
    name: str,
    url: str,
    feed: Feed | None,
    head: int,
) -> FeedState:
    """Returns the state of a feed. Of its address only the host: the rest may be a secret."""
    host = urlsplit(url).hostname or ""
    if feed is None:
        return FeedState(name, host, None)
    later = AuditEvent.objects.filter(chain_position__gt=feed.position)
    since = later.order_by("chain_position").values_list("at", flat=True).first()
    dead = count_up_to(DeadLetter.objects.filter(feed=feed), COUNT_LIMIT)
    waiting = max(head - feed.position, 0)
    return FeedState(name, host, feed, waiting, since, dead)


def feed_problems() -> str:
    """Names the feeds that are late, and those with dead letters."""
    lines = []
    for state in feed_states():
        if state.is_late:
            error = state.feed.error if state.feed else ""
            lines.append(f"{state.name}: {state.waiting:,} events wait. {error}".strip())
        if state.dead:
            lines.append(f"{state.name}: {state.dead:,} dead letters")
    return "; ".join(lines)
