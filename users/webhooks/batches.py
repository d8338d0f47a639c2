"""Reads the next deliveries of a subscription, and stores their results together with the cursor in
one transaction. If a worker is killed in between, another one sends the same deliveries again.

Among the waiting deliveries about an account, only the first is due. The others wait for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Min, Q, QuerySet

from users.database.clock import current_time
from users.metrics.registry import count_up_to
from users.outbound.http_sender import REFUSALS
from users.webhooks.batch_sender import FAILURES_IN_A_ROW, GONE, DeliveryOutcome
from users.webhooks.kinds import SIGNED_IN
from users.webhooks.models import ERROR_MAX, HEAD_MAX, WebhookDelivery, WebhookSubscription
from users.webhooks.sources import new_deliveries

State = WebhookDelivery.State
BATCH_SIZE = 500
# While so many wait for another attempt, no new events are read.
WAITING_LIMIT = 10_000
# Longer than a batch takes. A worker that was killed frees the subscription after this time.
CLAIM_TIME = timedelta(seconds=60)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
# Between attempts to reach a failing receiver: it gets everything soon after it is back.
LONGEST_RECEIVER_PAUSE = timedelta(minutes=10)
# After this time, the next failure of a delivery makes it a dead letter.
RETRY_TIME = timedelta(hours=24)
RESULT_FIELDS = (
    "state",
    "attempts",
    "due_at",
    "tried_at",
    "status",
    "milliseconds",
    "head",
    "error",
)


class LostSubscription(Exception):
    """Another worker has claimed the subscription, or someone has changed it."""


@dataclass
class Batch:
    """Deliveries of one subscription. `groups`: what to send, those about one account in a group.
    `held`: new ones that wait for an earlier one about their account. `is_whole`: there is nothing
    else to do now.
    """

    groups: list[list[WebhookDelivery]] = field(default_factory=list)
    held: list[WebhookDelivery] = field(default_factory=list)
    # The unsaved ones among both, in the order of the chain.
    new: list[WebhookDelivery] = field(default_factory=list)
    is_whole: bool = False

    @property
    def deliveries(self) -> list[WebhookDelivery]:
        return [delivery for group in self.groups for delivery in group]


def read_batch(row: WebhookSubscription) -> Batch:
    """Returns the next batch: deliveries that are due again, and new ones. Moves the cursors of
    `row`, which store_batch stores.
    """
    waiting = waiting_deliveries(row)
    again = due_deliveries(waiting)
    before = (row.position, row.sign_in_id)
    new: list[WebhookDelivery] = []
    if count_up_to(waiting, WAITING_LIMIT) < WAITING_LIMIT:
        new = new_deliveries(row, BATCH_SIZE)
    is_whole = len(again) < BATCH_SIZE and (row.position, row.sign_in_id) == before
    groups = group_by_account(again)
    held = add_new(groups, new, waiting)
    return Batch(list(groups.values()), held, new, is_whole)


def waiting_deliveries(row: WebhookSubscription) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(subscription=row, state=State.WAITING)


def due_deliveries(waiting: QuerySet[WebhookDelivery]) -> list[WebhookDelivery]:
    """Returns deliveries that are due, with those about the same accounts, in order."""
    first = list(waiting.filter(due_at__lte=current_time()).order_by("due_at")[:BATCH_SIZE])
    accounts = {delivery.account_id for delivery in first} - {None}
    # All of them: a dead letter that is sent again may be due before an earlier one.
    others = waiting.filter(account_id__in=accounts).order_by("pk")
    found = {delivery.pk: delivery for delivery in (*first, *others[:BATCH_SIZE])}
    return [found[pk] for pk in sorted(found)]


def group_by_account(
    deliveries: Iterable[WebhookDelivery],
) -> dict[tuple[str, int], list[WebhookDelivery]]:
    groups: dict[tuple[str, int], list[WebhookDelivery]] = {}
    for number, delivery in enumerate(deliveries):
        groups.setdefault(order_key(delivery, number), []).append(delivery)
    return groups


def order_key(delivery: WebhookDelivery, number: int) -> tuple[str, int]:
    """Returns the key of deliveries that keep their order. One about no account has its own."""
    if delivery.account_id is None:
        return (f"{delivery.source} {delivery.source_id}", number)
    return ("account", delivery.account_id)


def add_new(
    groups: dict[tuple[str, int], list[WebhookDelivery]],
    new: Sequence[WebhookDelivery],
    waiting: QuerySet[WebhookDelivery],
) -> list[WebhookDelivery]:
    """Adds new deliveries to the groups, and returns those that have to wait: an earlier delivery
    about their account waits, and is not the one in the groups.
    """
    ids = {delivery.account_id for delivery in new} - {None}
    sent = {pk for group in groups.values() for each in group if (pk := each.pk)}
    blocking = waiting.filter(account_id__in=ids).exclude(pk__in=sent)
    blocked = set(blocking.values_list("account_id", flat=True))
    held = []
    for number, delivery in enumerate(new):
        if delivery.account_id in blocked:
            held.append(delivery)
        else:
            groups.setdefault(order_key(delivery, number), []).append(delivery)
    return held


def store_batch(
    row: WebhookSubscription, batch: Batch, outcomes: Sequence[DeliveryOutcome]
) -> None:
    """Stores the results of a batch, and the cursors. Raises LostSubscription."""
    now = current_time()
    for outcome in outcomes:
        apply_outcome(outcome)
    make_first_due(batch.groups, now)
    old = [each for each in batch.deliveries if each.pk is not None]
    with transaction.atomic():
        store_state(row, **row_changes(row, outcomes, now))
        WebhookDelivery.objects.bulk_create(batch.new)
        WebhookDelivery.objects.bulk_update(old, RESULT_FIELDS)
        make_next_due(row, old, now)


def apply_outcome(outcome: DeliveryOutcome) -> None:
    delivery = outcome.delivery
    delivery.attempts += 1
    delivery.tried_at = outcome.at
    delivery.status = outcome.status or None
    delivery.milliseconds = outcome.milliseconds
    delivery.head = outcome.head[:HEAD_MAX]
    delivery.error = outcome.error[:ERROR_MAX]
    delivery.due_at = None
    if outcome.succeeded:
        delivery.state = State.DELIVERED
    elif outcome.at - delivery.created_at >= RETRY_TIME:
        delivery.state = State.DEAD
    else:
        delivery.due_at = outcome.at + retry_pause(outcome, delivery.attempts)


def retry_pause(outcome: DeliveryOutcome, attempts: int) -> timedelta:
    """Returns the time until the next attempt: what the receiver asks for, within limits, or longer
    after each attempt.
    """
    if outcome.retry_after:
        return requested_pause(outcome.retry_after)
    return min(FIRST_PAUSE * 2 ** min(attempts - 1, 10), LONGEST_PAUSE)


def requested_pause(retry_after: str) -> timedelta:
    """Returns the pause of a Retry-After header; FIRST_PAUSE if it is not a number of seconds."""
    text = retry_after.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return FIRST_PAUSE
    return min(max(timedelta(seconds=int(text)), timedelta(seconds=1)), LONGEST_PAUSE)


def make_first_due(groups: Iterable[Sequence[WebhookDelivery]], now: datetime) -> None:
    """Makes the first waiting delivery of each group due, unless it has a time of its own."""
    for group in groups:
        waiting = [each for each in group if each.state == State.WAITING]
        for number, delivery in enumerate(waiting):
            if number:
                delivery.due_at = None
            elif delivery.due_at is None:
                delivery.due_at = now


def make_next_due(row: WebhookSubscription, old: Sequence[WebhookDelivery], now: datetime) -> None:
    """Makes the next waiting delivery of each account in the batch due."""
    accounts = {each.account_id for each in old} - {None}
    waiting = waiting_deliveries(row).filter(account_id__in=accounts)
    firsts = waiting.values("account_id").annotate(first=Min("pk")).values_list("first", flat=True)
    WebhookDelivery.objects.filter(pk__in=list(firsts), due_at=None).update(due_at=now)


def row_changes(
    row: WebhookSubscription, outcomes: Sequence[DeliveryOutcome], now: datetime
) -> dict[str, Any]:
    """Returns the new values of a subscription after a batch."""
    values: dict[str, Any] = {"position": row.position}
    if SIGNED_IN in row.kinds:
        # Whoever chooses sign-ins meanwhile sets this cursor.
        values["sign_in_id"] = row.sign_in_id
    if not outcomes:
        return values
    in_order = sorted(outcomes, key=lambda outcome: outcome.at)
    if any(outcome.succeeded for outcome in outcomes):
        values |= {
            "delivered_at": now,
            "attempts": 0,
            "failed_at": None,
            "error": "",
        }
    last = in_order[-FAILURES_IN_A_ROW:]
    failed = [outcome for outcome in last if not outcome.succeeded]
    if is_receiver_failing(last, failed):
        values |= receiver_failure(row, values, failed, now)
    if any(outcome.status == GONE for outcome in outcomes):
        values |= {"pause": WebhookSubscription.Pause.GONE, "paused_at": now}
    return values


def is_receiver_failing(last: Sequence[DeliveryOutcome], failed: Sequence[DeliveryOutcome]) -> bool:
    """Returns whether the receiver itself fails, rather than refusing single events."""
    if any(outcome.retry_after for outcome in failed):
        return True
    if len(failed) < len(last):
        return False
    refused = all(outcome.status in REFUSALS for outcome in failed)
    return not refused or len(failed) == FAILURES_IN_A_ROW


def receiver_failure(
    row: WebhookSubscription,
    values: dict[str, Any],
    failed: Sequence[DeliveryOutcome],
    now: datetime,
) -> dict[str, Any]:
    """Returns the values of a subscription whose receiver gets nothing for a while."""
    attempts = values.get("attempts", row.attempts)
    pause = min(FIRST_PAUSE * 2 ** min(attempts, 10), LONGEST_RECEIVER_PAUSE)
    asked = [requested_pause(each.retry_after) for each in failed if each.retry_after]
    return {
        "attempts": attempts + 1,
        "due_at": now + max(asked, default=pause),
        "failed_at": values.get("failed_at", row.failed_at) or now,
        "error": failed[-1].error[:ERROR_MAX],
    }


def store_state(row: WebhookSubscription, **values: Any) -> None:
    """Stores values of a subscription as long as this worker has it, and extends the claim. Raises
    LostSubscription.
    """
    values = {"claimed_until": current_time() + CLAIM_TIME} | values
    rows = WebhookSubscription.objects.filter(Q(pk=row.pk, claim=row.claim))
    if not rows.update(**values):
        raise LostSubscription
    for name, value in values.items():
        setattr(row, name, value)
