"""Sends the sealed events to each receiver at least once and in the order of the chain.

The cursor moves after the receiver has accepted an event, so a worker that dies in between leaves
one that is sent twice. A receiver that fails is tried again, later each time, and nothing is
skipped; only an event that is refused REFUSAL_LIMIT times becomes a dead letter.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from http.client import HTTPException
from typing import Any, Protocol

from django.conf import settings
from django.db.models import F, Q

from users.audit.feeds.models import DeadLetter, Feed
from users.audit.feeds.syslog_feed import SyslogSender
from users.audit.feeds.webhook import RefusedEvent, WebhookSender
from users.audit.models import AuditEvent, ChainHead
from users.database.clock import current_time
from users.outbound.streams import failure_text

logger = logging.getLogger(__name__)
# The time of each feed in one run of the task.
FEED_SECONDS = 20
# Longer than any request. A worker that was killed frees the feed after this time.
CLAIM_TIME = timedelta(seconds=45)
READ_SIZE = 200
REFUSAL_LIMIT = 5
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=10)
FAILURES = (OSError, HTTPException, RefusedEvent)


class Sender(Protocol):
    """Sends a batch of events, and returns when the receiver has them."""

    batch_size: int

    def send(self, events: Sequence[AuditEvent]) -> None: ...

    def close(self) -> None: ...


class LostClaim(Exception):
    """Another worker has claimed the feed."""


def feed_senders() -> dict[str, Callable[[], Sender]]:
    """Returns what sends to each receiver of the settings."""
    found: dict[str, Callable[[], Sender]] = {}
    if settings.AUDIT_FEEDS.webhook:
        found["webhook"] = WebhookSender
    if settings.AUDIT_FEEDS.syslog:
        found["syslog"] = SyslogSender
    return found


def deliver_all() -> None:
    for name, make_sender in feed_senders().items():
        feed = claim_feed(name)
        if feed is not None:
            deliver_feed(feed, make_sender())


def claim_feed(name: str) -> Feed | None:
    """Returns the row of a feed that is due and that no other worker has claimed. A new feed begins
    with the events that are sealed from now on.
    """
    head = ChainHead.objects.values_list("position", flat=True).first() or 0
    row, _ = Feed.objects.get_or_create(name=name, defaults={"position": head})
    now = current_time()
    # Later times than these were stored while the clock was ahead.
    free = Q(claimed_until=None) | ~Q(claimed_until__range=(now, now + 2 * CLAIM_TIME))
    due = Q(due_at=None) | ~Q(due_at__gt=now, due_at__lt=now + 2 * LONGEST_PAUSE)
    rows = Feed.objects.filter(free, due, pk=row.pk, claim=row.claim)
    if not rows.update(claim=F("claim") + 1, claimed_until=now + CLAIM_TIME):
        return None
    row.refresh_from_db()
    return row


def deliver_feed(feed: Feed, sender: Sender) -> None:
    """Sends what waits, for about FEED_SECONDS."""
    deadline = time.monotonic() + FEED_SECONDS
    try:
        if send_dead_letters(feed, sender, deadline):
            send_waiting(feed, sender, deadline)
        store_progress(feed, claimed_until=None)
    except LostClaim:
        logger.warning("Another worker sends the audit feed %s.", feed.name)
    finally:
        sender.close()


def send_waiting(feed: Feed, sender: Sender, deadline: float) -> None:
    while events := waiting_events(feed):
        for start in range(0, len(events), sender.batch_size):
            batch = events[start : start + sender.batch_size]
            if time.monotonic() > deadline or not send_batch(feed, sender, batch):
                return


def waiting_events(feed: Feed) -> list[AuditEvent]:
    later = AuditEvent.objects.filter(chain_position__gt=feed.position)
    return list(later.order_by("chain_position")[:READ_SIZE])


def send_batch(feed: Feed, sender: Sender, batch: Sequence[AuditEvent]) -> bool:
    """Sends events and moves the cursor. Returns whether the feed can go on now."""
    try:
        sender.send(batch)
    except FAILURES as error:
        return handle_failure(feed, batch, error)
    position = batch[-1].chain_position
    store_progress(
        feed,
        position=position,
        sent_at=current_time(),
        **no_failure(),
    )
    return True


def no_failure() -> dict[str, Any]:
    return {
        "attempts": 0,
        "refusals": 0,
        "due_at": None,
        "failed_at": None,
        "error": "",
    }


def handle_failure(feed: Feed, batch: Sequence[AuditEvent], error: Exception) -> bool:
    """Notes a failed attempt. Returns True if the event became a dead letter."""
    text = failure_text(error)
    logger.error("Audit feed %s: %s", feed.name, text)
    refusals = feed.refusals + 1 if isinstance(error, RefusedEvent) else feed.refusals
    if refusals >= REFUSAL_LIMIT:
        now = current_time()
        [event] = batch
        store_progress(feed, position=event.chain_position, **no_failure())
        values = {
            "at": now,
            "error": text,
            "is_due": False,
        }
        DeadLetter.objects.update_or_create(
            feed=feed,
            event=event,
            defaults=values,
        )
        return True
    store_failure(feed, text, refusals)
    return False


def store_failure(feed: Feed, text: str, refusals: int) -> None:
    now = current_time()
    pause = FIRST_PAUSE * 2 ** min(feed.attempts, 10)
    store_progress(
        feed,
        attempts=feed.attempts + 1,
        refusals=refusals,
        due_at=now + min(pause, LONGEST_PAUSE),
        failed_at=feed.failed_at or now,
        error=text,
    )


def store_progress(feed: Feed, **values: Any) -> None:
    """Stores values in the row as long as this worker has it, and extends the claim. Raises
    LostClaim.
    """
    values = {"claimed_until": current_time() + CLAIM_TIME} | values
    if not Feed.objects.filter(pk=feed.pk, claim=feed.claim).update(**values):
        raise LostClaim
    for name, value in values.items():
        setattr(feed, name, value)


def send_dead_letters(feed: Feed, sender: Sender, deadline: float) -> bool:
    """Sends dead letters that somebody wants sent again. Returns whether the feed can go on."""
    due = feed.dead_letters.filter(is_due=True).select_related("event").order_by("pk")
    for letter in due[:READ_SIZE]:
        if time.monotonic() > deadline:
            return False
        try:
            sender.send([letter.event])
        except RefusedEvent as error:
            letter.is_due = False
            letter.at = current_time()
            letter.error = failure_text(error)
            letter.save()
        except FAILURES as error:
            store_failure(feed, failure_text(error), feed.refusals)
            return False
        else:
            letter.delete()
        store_progress(feed)
    return True
