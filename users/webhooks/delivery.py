"""Delivers for all subscriptions at the same time: threads of each receiver send, and this process
alone reads and writes the database. A receiver that is slow or down holds no other one up.
"""

import logging
import time
from queue import Empty, SimpleQueue

from django.db import transaction
from django.db.models import F, Q

from users.database.clock import current_time
from users.jobs.queue import task_queue
from users.webhooks.batches import (
    CLAIM_TIME,
    LostSubscription,
    read_batch,
    store_batch,
    store_state,
)
from users.webhooks.courier import Courier
from users.webhooks.gone import tell_owner
from users.webhooks.models import WebhookSubscription
from users.webhooks.requests import RequestMaker, webhook_policy

logger = logging.getLogger(__name__)
DELIVERY_TASK = "users.webhooks.tasks.deliver_webhooks"
# New batches begin for so long in one run. Another task continues.
RUN_SECONDS = 20
# Longer than a batch takes.
LAST_BATCH_SECONDS = 45
# In which no event may be for the receiver.
LOOKS = 10
SUBSCRIPTION_LIMIT = 50
Method = WebhookSubscription.Method


class Route:
    """The way to one receiver: its claimed subscription, its connections and its present batch."""

    def __init__(self, row: WebhookSubscription, finished: "SimpleQueue[Route]") -> None:
        self.row = row
        self.finished = finished
        self.courier = Courier(row.url, webhook_policy())
        self.has_more = False

    def begin_batch(self) -> bool:
        """Starts to send the next batch. Returns False if there is nothing to do now."""
        for _ in range(LOOKS):
            self.batch = read_batch(self.row)
            if self.batch.groups:
                self.send_batch()
                return True
            store_batch(self.row, self.batch, [])
            if self.batch.is_whole:
                return False
        # The other receivers get their turn.
        self.has_more = True
        return False

    def send_batch(self) -> None:
        maker = RequestMaker(self.row, self.batch.deliveries)
        self.courier.send_batch(
            self.batch.groups,
            maker.make_request,
            lambda: self.finished.put(self),
        )

    def end_batch(self) -> bool:
        """Stores what became of the batch. Returns whether the receiver takes more now."""
        with transaction.atomic():
            store_batch(self.row, self.batch, self.courier.outcomes)
            if self.row.pause == WebhookSubscription.Pause.GONE:
                tell_owner(self.row)
        is_left_alone = self.row.due_at is not None and self.row.due_at > current_time()
        return not is_left_alone and self.is_unchanged()

    def is_unchanged(self) -> bool:
        """Returns whether the subscription is as it was claimed: neither edited nor paused."""
        same = WebhookSubscription.objects.filter(pk=self.row.pk, version=self.row.version)
        return same.filter(pause="").exists()

    def close(self) -> None:
        self.courier.close()


def deliver_subscriptions(seconds: float = RUN_SECONDS) -> None:
    """Delivers what is due, for about `seconds`. Queues another task if there is more."""
    deadline = time.monotonic() + seconds
    finished: SimpleQueue[Route] = SimpleQueue()
    routes = [Route(row, finished) for row in claim_subscriptions()]
    busy = {route for route in routes if proceed(route, begins=True, ends=False)}
    last = deadline + LAST_BATCH_SECONDS
    while busy and (left := last - time.monotonic()) > 0:
        try:
            route = finished.get(timeout=left)
        except Empty:
            break
        if not proceed(route, begins=time.monotonic() < deadline, ends=True):
            busy.discard(route)
    for route in routes:
        route.close()
    if any(route.has_more for route in routes):
        task_queue.enqueue_task(DELIVERY_TASK)


def proceed(route: Route, *, begins: bool, ends: bool) -> bool:
    """Ends the present batch and begins the next one. Returns whether one runs. An error ends the
    work for this subscription alone.
    """
    try:
        takes_more = route.end_batch() if ends else True
        if takes_more and begins and route.begin_batch():
            return True
        route.has_more |= takes_more and not begins
        store_state(route.row, claimed_until=None)
    except LostSubscription:
        logger.warning("Another worker delivers webhook %s.", route.row.pk)
    except Exception:
        logger.exception("Webhook %s failed.", route.row.pk)
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
    """Returns the subscription as it is now, claimed; None if another worker was faster."""
    now = current_time()
    same = WebhookSubscription.objects.filter(pk=row.pk, claim=row.claim)
    if not same.update(claim=F("claim") + 1, claimed_until=now + CLAIM_TIME):
        return None
    return WebhookSubscription.objects.get(pk=row.pk)
