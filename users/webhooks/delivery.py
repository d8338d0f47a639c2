"""Delivers for all subscriptions at the same time: each receiver has threads that send, and only
this process reads and writes the database. A slow or unreachable receiver does not delay others.
"""

import logging
import time
from queue import Empty, SimpleQueue

from django.db import transaction
from django.db.models import F, Q

from users.database.clock import current_time
from users.jobs.queue import task_queue
from users.webhooks.batch_sender import BatchSender
from users.webhooks.batches import (
    CLAIM_TIME,
    LostSubscription,
    read_batch,
    store_batch,
    store_state,
)
from users.webhooks.gone_notice import email_owner
from users.webhooks.models import WebhookSubscription
from users.webhooks.requests import RequestMaker, webhook_policy

logger = logging.getLogger(__name__)
DELIVERY_TASK = "users.webhooks.tasks.deliver_webhooks"
# No batch begins later in a run. Another task continues.
RUN_SECONDS = 20
# Longer than a batch takes.
LAST_BATCH_SECONDS = 45
# Reads in a row without an event for the receiver, before other receivers get their turn.
EMPTY_READS_MAX = 10
SUBSCRIPTION_LIMIT = 50
Method = WebhookSubscription.Method


class ClaimedSubscription:
    """A subscription that this worker has claimed, its connections and its current batch."""

    def __init__(
        self, row: WebhookSubscription, finished: "SimpleQueue[ClaimedSubscription]"
    ) -> None:
        self.row = row
        self.finished = finished
        self.sender = BatchSender(row.url, webhook_policy())
        self.has_more = False

    def begin_batch(self) -> bool:
        """Starts to send the next batch. Returns False if there is nothing to do now."""
        for _ in range(EMPTY_READS_MAX):
            self.batch = read_batch(self.row)
            if self.batch.groups:
                self.send_batch()
                return True
            store_batch(self.row, self.batch, [])
            if self.batch.is_whole:
                return False
        self.has_more = True
        return False

    def send_batch(self) -> None:
        maker = RequestMaker(self.row, self.batch.deliveries)
        self.sender.send_batch(
            self.batch.groups,
            maker.make_request,
            lambda: self.finished.put(self),
        )

    def end_batch(self) -> bool:
        """Stores the results of the batch. Returns whether to continue with the next one now."""
        with transaction.atomic():
            store_batch(self.row, self.batch, self.sender.outcomes)
            if self.row.pause == WebhookSubscription.Pause.GONE:
                email_owner(self.row)
        is_pausing = self.row.due_at is not None and self.row.due_at > current_time()
        return not is_pausing and self.is_unchanged()

    def is_unchanged(self) -> bool:
        """Returns whether the subscription is as it was claimed: neither edited nor paused."""
        same = WebhookSubscription.objects.filter(pk=self.row.pk, version=self.row.version)
        return same.filter(pause="").exists()

    def close(self) -> None:
        self.sender.close()


def deliver_subscriptions(seconds: float = RUN_SECONDS) -> None:
    """Delivers what is due, for about `seconds`. Queues another task if there is more."""
    deadline = time.monotonic() + seconds
    finished: SimpleQueue[ClaimedSubscription] = SimpleQueue()
    claimed = [ClaimedSubscription(row, finished) for row in claim_subscriptions()]
    busy = {claim for claim in claimed if continue_delivery(claim, begins=True, ends=False)}
    last = deadline + LAST_BATCH_SECONDS
    while busy and (left := last - time.monotonic()) > 0:
        try:
            claim = finished.get(timeout=left)
        except Empty:
            break
        if not continue_delivery(claim, begins=time.monotonic() < deadline, ends=True):
            busy.discard(claim)
    for claim in claimed:
        claim.close()
    if any(claim.has_more for claim in claimed):
        task_queue.enqueue_task(DELIVERY_TASK)


def continue_delivery(claim: ClaimedSubscription, *, begins: bool, ends: bool) -> bool:
    """Ends the current batch and begins the next one. Returns whether a batch is running. An error
    ends the work for this subscription only.
    """
    try:
        takes_more = claim.end_batch() if ends else True
        if takes_more and begins and claim.begin_batch():
            return True
        claim.has_more |= takes_more and not begins
        store_state(claim.row, claimed_until=None)
    except LostSubscription:
        logger.warning("Another worker delivers webhook %s.", claim.row.pk)
    except Exception:
        logger.exception("Webhook %s failed.", claim.row.pk)
    return False


def claim_subscriptions() -> list[WebhookSubscription]:
    """Returns the subscriptions that are due and that no other worker has claimed."""
    now = current_time()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    due = Q(due_at=None) | Q(due_at__lte=now)
    rows = WebhookSubscription.objects.filter(free, due, pause="").exclude(method=Method.POLL)
    found = [claim_subscription(row) for row in rows.order_by("pk")[:SUBSCRIPTION_LIMIT]]
    return [row for row in found if row is not None]


def claim_subscription(row: WebhookSubscription) -> WebhookSubscription | None:
    """Returns the subscription as it is now, claimed; None if another worker was first."""
    now = current_time()
    same = WebhookSubscription.objects.filter(pk=row.pk, claim=row.claim)
    if not same.update(claim=F("claim") + 1, claimed_until=now + CLAIM_TIME):
        return None
    return WebhookSubscription.objects.get(pk=row.pk)
