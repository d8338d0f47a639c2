"""Creates, changes, pauses, rotates and deletes subscriptions, each with its audit event. Events
have the host of a receiver: the rest of its URL may be a secret.
"""

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from users import access
from users.audit.models import ChainHead
from users.audit.record import record_event
from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.factors.encryption import encrypt_secret
from users.jobs.queue import task_queue
from users.outbound.receiver_urls import clean_receiver_url
from users.webhooks.delivery import DELIVERY_TASK
from users.webhooks.kinds import SIGNED_IN, TEST
from users.webhooks.large_changes import delete_deliveries, requeue_batch, requeue_letters
from users.webhooks.models import WebhookDelivery, WebhookSubscription
from users.webhooks.requests import webhook_policy
from users.webhooks.secrets import ROTATION_TIME, new_subscription_secret
from users.webhooks.signal_tokens import SIGNAL_KINDS
from users.webhooks.sources import newest_sign_in_id

ACTION = "manage_webhooks"
MAX_SUBSCRIPTIONS = 50
MAX_TESTS = 10
Pause = WebhookSubscription.Pause
State = WebhookDelivery.State
MOVED = "The host or port of the URL changed."
STALE = "Someone changed this webhook while you had it open. Check the fields and try again."


def create_subscription(
    *, by: Any, reason: str = "", **values: Any
) -> tuple[WebhookSubscription, str]:
    """Creates a subscription to the events from now on. Returns it with its secret, which nobody
    can read again. Raises Denied, ValidationError or VerbRefused.
    """
    access.require(by, ACTION)
    check_values(by, values)
    head = ChainHead.objects.values_list("position", flat=True).first()
    with transaction.atomic():
        if WebhookSubscription.objects.filter(deleted_at=None).count() >= MAX_SUBSCRIPTIONS:
            raise VerbRefused("There are 50 webhooks already. Delete one first.")
        row = WebhookSubscription.objects.create(
            **values,
            owner_id=by.pk,
            owner_text=str(by)[:255],
            position=head or 0,
            sign_in_id=newest_sign_in_id(),
        )
        secret = new_subscription_secret(row)
        row.secret = encrypt_secret(secret)
        row.save(update_fields=["secret"])
        record_webhook_event("webhook.created", row, by, after=audited_webhook(row), reason=reason)
    return row, secret


def edit_subscription(
    row: WebhookSubscription, *, by: Any, version: int, reason: str = "", **values: Any
) -> tuple[WebhookSubscription, str]:
    """Changes a subscription, and makes the editor its owner. Returns it with its new secret if it
    goes to another host or port, whose owner must not learn the old one; else with "". Raises
    Denied, ValidationError or VerbRefused.
    """
    access.require(by, ACTION)
    check_values(by, values)
    with transaction.atomic():
        row = lock_subscription(row)
        if row.version != version:
            raise VerbRefused(STALE)
        before = audited_webhook(row)
        moves = receiver_of(values["url"]) != receiver_of(row.url)
        if SIGNED_IN in values["kinds"] and SIGNED_IN not in row.kinds:
            row.sign_in_id = newest_sign_in_id()
        for name, value in values.items():
            setattr(row, name, value)
        row.owner_id = by.pk
        row.owner_text = str(by)[:255]
        secret = replace_secret(row) if moves else ""
        save_subscription(row)
        after = audited_webhook(row)
        record_webhook_event("webhook.changed", row, by, before=before, after=after, reason=reason)
        if moves:
            record_webhook_event("webhook.rotated", row, by, reason=MOVED)
    return row, secret


def receiver_of(url: str) -> str:
    """Returns the host and the port of a URL; "" without one."""
    return urlsplit(url).netloc.lower()


def replace_secret(row: WebhookSubscription) -> str:
    """Sets a new secret on the row and returns it. No earlier one works any more."""
    secret = new_subscription_secret(row)
    row.secret = encrypt_secret(secret)
    row.previous_secret = ""
    row.previous_until = None
    return secret


def check_values(by: Any, values: dict[str, Any]) -> None:
    """Raises ValidationError for values that don't fit together."""
    polls = values["method"] == WebhookSubscription.Method.POLL
    if polls and values["url"]:
        raise ValidationError({"url": "Leave the URL empty: the receiver polls for signals."})
    if not polls:
        if not values["url"]:
            raise ValidationError({"url": "Enter the URL of the receiver."})
        try:
            clean_receiver_url(values["url"], webhook_policy())
        except ValidationError as error:
            raise ValidationError({"url": error}) from error
    if values["method"] == WebhookSubscription.Method.WEBHOOK:
        return
    if without := set(values["kinds"]) - set(SIGNAL_KINDS):
        text = f"There are no security signals for {len(without)} of the chosen events."
        raise ValidationError({"kinds": text})
    names_people = values["subject"] == WebhookSubscription.Subject.EMAIL
    if names_people and not access.may(by, "view_personal"):
        raise ValidationError(
            {"subject": "Only people who may see email addresses can choose them."}
        )


def pause_subscription(row: WebhookSubscription, *, by: Any) -> None:
    access.require(by, ACTION)
    with transaction.atomic():
        row = lock_subscription(row)
        if row.pause:
            return
        row.pause = Pause.STAFF
        row.paused_at = current_time()
        save_subscription(row)
        record_webhook_event("webhook.paused", row, by)


def resume_subscription(row: WebhookSubscription, *, by: Any) -> None:
    """Resumes at once with the events that have waited."""
    access.require(by, ACTION)
    with transaction.atomic():
        row = lock_subscription(row)
        if not row.pause:
            return
        row.pause = Pause.NONE
        row.paused_at = None
        row.due_at = None
        row.attempts = 0
        save_subscription(row)
        record_webhook_event("webhook.resumed", row, by)
        task_queue.enqueue_task(DELIVERY_TASK)


def rotate_secret(row: WebhookSubscription, *, by: Any) -> str:
    """Returns a new secret. The previous one works for ROTATION_TIME."""
    access.require(by, ACTION)
    with transaction.atomic():
        row = lock_subscription(row)
        secret = new_subscription_secret(row)
        row.previous_secret = row.secret
        row.previous_until = current_time() + ROTATION_TIME
        row.secret = encrypt_secret(secret)
        save_subscription(row)
        record_webhook_event("webhook.rotated", row, by)
    return secret


def queue_test(row: WebhookSubscription, *, by: Any) -> WebhookDelivery:
    """Queues a test. Raises VerbRefused if many wait."""
    access.require(by, ACTION)
    with transaction.atomic():
        row = lock_subscription(row)
        tests = row.deliveries.filter(state=State.WAITING, source=WebhookDelivery.Source.STAFF)
        if row.pause:
            raise VerbRefused("This webhook is paused. Resume it first.")
        if len(tests[:MAX_TESTS]) == MAX_TESTS:
            raise VerbRefused("Ten tests are already waiting. Try again later.")
        delivery = WebhookDelivery.objects.create(
            subscription=row,
            kind=TEST,
            source=WebhookDelivery.Source.STAFF,
            due_at=current_time(),
        )
        # A receiver that is back does not wait for the end of a pause.
        WebhookSubscription.objects.filter(pk=row.pk).update(due_at=None)
        record_webhook_event("webhook.tested", row, by)
        task_queue.enqueue_task(DELIVERY_TASK)
    return delivery


def requeue_dead_letters(
    row: WebhookSubscription, *, by: Any, delivery: WebhookDelivery | None = None
) -> int:
    """Queues one dead letter again, or all: a batch at once, and the others by the worker. Returns
    their number.
    """
    access.require(by, ACTION)
    with transaction.atomic():
        row = lock_subscription(row)
        letters = row.deliveries.filter(state=State.DEAD)
        if delivery is not None:
            number = requeue_letters([delivery.pk])
        elif number := letters.count():
            requeue_batch(row, current_time())
        if number:
            WebhookSubscription.objects.filter(pk=row.pk).update(due_at=None)
            record_webhook_event("webhook.replayed", row, by, after={"letters": number})
            task_queue.enqueue_task(DELIVERY_TASK)
    return number


def delete_subscription(row: WebhookSubscription, *, by: Any, reason: str = "") -> None:
    """Deletes a subscription and a batch of its deliveries; the worker deletes the others."""
    access.require(by, ACTION)
    with transaction.atomic():
        row = lock_subscription(row)
        before = audited_webhook(row)
        end_subscription(row)
        delete_deliveries(row)
        record_webhook_event("webhook.deleted", row, by, before=before, reason=reason)
        task_queue.enqueue_task(DELIVERY_TASK)


def end_subscription(row: WebhookSubscription) -> None:
    """Ends all work for a subscription, and forgets its secrets."""
    WebhookSubscription.objects.filter(pk=row.pk).update(
        deleted_at=current_time(),
        secret="",
        previous_secret="",
        # Workers deliver nothing that is paused, and a worker with an older claim stores nothing.
        pause=Pause.STAFF,
        claim=F("claim") + 1,
    )


def lock_subscription(row: WebhookSubscription) -> WebhookSubscription:
    """Returns the subscription as it is now. Raises VerbRefused if it was deleted."""
    rows = WebhookSubscription.objects.select_for_update()
    found = rows.filter(pk=row.pk, deleted_at=None).first()
    if found is None:
        raise VerbRefused("This webhook was deleted.")
    return found


def save_subscription(row: WebhookSubscription) -> None:
    """Stores what staff change, with the next version. Cursors and claims belong to the worker."""
    row.version += 1
    workers = {"id", "position", "claim", "claimed_until", "delivered_at", "failed_at", "error"}
    workers |= {"replay_before", "deleted_at"}
    names = [field.name for field in row._meta.concrete_fields if field.name not in workers]
    row.save(update_fields=names)


def record_webhook_event(
    action: str,
    row: WebhookSubscription,
    by: Any,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    named = {"webhook": row.pk, "name": row.name}
    values = {} if action == "webhook.deleted" else named | (after or {})
    record_event(
        action,
        actor=by,
        before=before,
        after=values,
        reason=reason,
    )


def audited_webhook(row: WebhookSubscription) -> dict[str, Any]:
    return {
        "webhook": row.pk,
        "name": row.name,
        "method": row.method,
        "host": urlsplit(row.url).hostname or "",
        "kinds": sorted(row.kinds),
        "with_values": row.with_values,
        "subject": row.subject,
    }
