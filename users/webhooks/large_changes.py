"""Changes of all deliveries of a webhook: deleting them, and queueing all dead letters again.

A request does one batch. The row of the subscription says what is left, and the scheduled task does
the rest, in a transaction for each batch.
"""

import time
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction

from users.database.clock import current_time
from users.webhooks.models import WebhookDelivery, WebhookSubscription

BATCH = 1000
# For one run of the task, which also delivers.
RUN_SECONDS = 10
State = WebhookDelivery.State


def requeue_batch(row: WebhookSubscription, before: datetime) -> int:
    """Queues a batch of dead letters from before a time again, and stores whether more are left.
    Returns their number. The caller has locked the row.
    """
    letters = WebhookDelivery.objects.filter(
        subscription=row, state=State.DEAD, created_at__lt=before
    )
    ids = list(letters.order_by("pk").values_list("pk", flat=True)[: BATCH + 1])
    number = requeue_letters(ids[:BATCH])
    left = before if len(ids) > BATCH else None
    rows = WebhookSubscription.objects.filter(pk=row.pk)
    rows.update(due_at=None, replay_before=left)
    return number


def requeue_letters(ids: list[int]) -> int:
    """Queues dead letters again. They get another RETRY_TIME."""
    now = current_time()
    letters = WebhookDelivery.objects.filter(pk__among=ids, state=State.DEAD)
    return letters.update(state=State.WAITING, due_at=now, created_at=now, attempts=0)


def delete_deliveries(row: WebhookSubscription) -> int:
    """Deletes a batch of the deliveries of a deleted subscription, and its row after the last one.
    Returns their number. The caller has locked the row.
    """
    ids = WebhookDelivery.objects.filter(subscription=row).order_by("pk")
    batch = list(ids.values_list("pk", flat=True)[: BATCH + 1])
    rows = WebhookDelivery.objects.filter(pk__among=batch[:BATCH])
    number = rows._raw_delete(rows.db)
    if len(batch) <= BATCH:
        subscription = WebhookSubscription.objects.filter(pk=row.pk)
        subscription._raw_delete(subscription.db)
    return number


def continue_large_changes() -> int:
    """Does what requests have left, for about RUN_SECONDS. Returns the number of deliveries."""
    deadline = time.monotonic() + RUN_SECONDS
    deleted = WebhookSubscription.objects.filter(deleted_at__isnull=False)
    number = run_batches(deleted.values_list("pk", flat=True), continue_deletion, deadline)
    replayed = WebhookSubscription.objects.filter(replay_before__isnull=False)
    number += run_batches(replayed.values_list("pk", flat=True), continue_replay, deadline)
    return number


def run_batches(found: Iterable[int], step: Callable[[int], int], deadline: float) -> int:
    total = 0
    for pk in list(found):
        while time.monotonic() < deadline and (number := step(pk)):
            total += number
    return total


def continue_deletion(pk: int) -> int:
    with transaction.atomic():
        rows = WebhookSubscription.objects.select_for_update()
        row = rows.filter(pk=pk, deleted_at__isnull=False).first()
        return delete_deliveries(row) if row else 0


def continue_replay(pk: int) -> int:
    with transaction.atomic():
        rows = WebhookSubscription.objects.select_for_update()
        row = rows.filter(pk=pk, replay_before__isnull=False, deleted_at=None).first()
        if row is None or row.replay_before is None:
            return 0
        return requeue_batch(row, row.replay_before)
