"""Deletes rows and files that are older than the retention settings say.

Before-images, exports and sessions have tasks of their own (users/jobs/schedule.py), and delete in
batches too. Each statement deletes one batch, so that no transaction is long, and a run that is
interrupted is continued by the next one.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from users.database.clock import current_time
from users.directory.lists.pasted_lists import delete_expired_list
from users.jobs.models import ENDED_STATES, Job, JobItem
from users.jobs.queue import task_queue
from users.jobs.retention import results_kept_since
from users.mail.models import DeliveryEvent, SendingLimit
from users.meter.models import HourlyUse
from users.scim.models import ProvisioningRequest
from users.sessions.models import SignInEvent
from users.tokens.models import ApiToken, TokenMinute
from users.webhooks.models import WebhookDelivery

logger = logging.getLogger(__name__)
BATCH = 2000
# For one kind of rows in one run.
RUN_SECONDS = 20
# A task that no cluster has taken for so long: its work is in other rows, and was found by now.
QUEUE_DAYS = 7
# Until then, lists show who revoked a token and when it was last used.
TOKEN_DAYS = 365


def run_cleanup() -> dict[str, int]:
    """Runs each step, and returns the number of deleted rows or files by step."""
    numbers = {}
    for name, step in STEPS.items():
        deadline = time.monotonic() + RUN_SECONDS
        numbers[name] = 0
        while time.monotonic() < deadline and (number := step()):
            numbers[name] += number
    logger.info("Deleted by retention: %s", numbers)
    return numbers


def oldest_kept(days: int) -> datetime:
    return current_time() - timedelta(days=days)


def delete_sign_in_events() -> int:
    """Deletes a batch of the oldest attempts to sign in.

    There is no index by time, but ids follow it: the batch is the rows with the lowest ids.
    """
    days = settings.SIGN_IN_EVENT_DAYS
    if not days:
        return 0
    oldest = SignInEvent.objects.order_by("pk").values_list("pk", "at")[:BATCH]
    limit = oldest_kept(days)
    expired = [pk for pk, at in oldest if at < limit]
    rows = SignInEvent.objects.filter(pk__among=expired)
    return rows._raw_delete(rows.db)


def delete_job_items() -> int:
    """Deletes a batch of the results of one ended job. Its counts and its events stay."""
    kept_since = results_kept_since()
    if kept_since is None:
        return 0
    has_items = Exists(JobItem.objects.filter(job=OuterRef("pk")))
    ended = Job.objects.filter(state__in=ENDED_STATES, ended_at__lt=kept_since)
    job = ended.filter(has_items).order_by("pk").only("pk").first()
    if job is None:
        return 0
    items = JobItem.objects.filter(job=job.pk)
    account_ids = items.order_by("account_id").values_list("account_id", flat=True)
    batch = items.filter(account_id__among=list(account_ids[:BATCH]))
    return batch._raw_delete(batch.db)


def delete_delivery_events() -> int:
    """Deletes a batch of the oldest applied reports of email providers. Fates stay."""
    if not settings.DELIVERY_EVENT_DAYS:
        return 0
    limit = oldest_kept(settings.DELIVERY_EVENT_DAYS)
    old = DeliveryEvent.objects.filter(received_at__lt=limit, applied_at__isnull=False)
    batch = old.order_by("received_at").values_list("pk", flat=True)[:BATCH]
    rows = DeliveryEvent.objects.filter(pk__among=list(batch))
    return rows._raw_delete(rows.db)


def delete_queue_tasks() -> int:
    """Deletes a batch of tasks that no cluster takes, and results of earlier releases."""
    task_queue.forget_results()
    limit = oldest_kept(QUEUE_DAYS)
    return task_queue.delete_old_tasks(limit, BATCH)


def delete_mail_files() -> int:
    """Deletes mails in MAIL_DIR, which has some only without a mail server."""
    folder = Path(settings.MAIL_DIR)
    limit = oldest_kept(settings.MAIL_FILE_DAYS).timestamp()
    found = [path for pattern in ("*.eml", "*.html") for path in folder.glob(pattern)]
    expired = [path for path in found if path.stat().st_mtime < limit]
    for path in expired:
        path.unlink(missing_ok=True)
    return len(expired)


def delete_sending_limits() -> int:
    """Deletes a batch of limits that nothing has used for a day: each domain has a row."""
    old = SendingLimit.objects.filter(ready_at__lt=oldest_kept(1)).values_list("pk", flat=True)
    rows = SendingLimit.objects.filter(pk__in=list(old[:BATCH]))
    return rows._raw_delete(rows.db)


def delete_hourly_uses() -> int:
    """Deletes a batch of the oldest hours of the meter."""
    old = HourlyUse.objects.filter(hour__lt=oldest_kept(settings.METER.days))
    batch = old.order_by("hour").values_list("pk", flat=True)[:BATCH]
    rows = HourlyUse.objects.filter(pk__among=list(batch))
    return rows._raw_delete(rows.db)


def delete_webhook_deliveries() -> int:
    """Deletes a batch of the oldest deliveries of webhooks that ended. IDs do not follow the time:
    dead letters that are sent again get a new one.
    """
    limit = oldest_kept(settings.WEBHOOKS.delivery_days)
    ended = WebhookDelivery.objects.exclude(state=WebhookDelivery.State.WAITING)
    expired = ended.filter(created_at__lt=limit).order_by("pk")
    batch = list(expired.values_list("pk", flat=True)[:BATCH])
    rows = WebhookDelivery.objects.filter(pk__among=batch)
    return rows._raw_delete(rows.db)


def delete_provisioning_requests() -> int:
    """Deletes a batch of the oldest requests of identity providers. IDs follow the time."""
    oldest = ProvisioningRequest.objects.order_by("pk").values_list("pk", "at")[:BATCH]
    limit = oldest_kept(settings.SCIM.log_days)
    expired = [pk for pk, at in oldest if at < limit]
    rows = ProvisioningRequest.objects.filter(pk__among=expired)
    return rows._raw_delete(rows.db)


def delete_old_tokens() -> int:
    """Deletes a batch of API tokens that expired or were revoked TOKEN_DAYS ago, with their counts.
    Their events stay.
    """
    limit = oldest_kept(TOKEN_DAYS)
    stopped = ApiToken.objects.filter(Q(ends_at__lt=limit) | Q(revoked_at__lt=limit))
    batch = list(stopped.order_by("pk").values_list("pk", flat=True)[:BATCH])
    minutes = TokenMinute.objects.filter(pk__among=batch)
    minutes._raw_delete(minutes.db)
    rows = ApiToken.objects.filter(pk__among=batch)
    return rows._raw_delete(rows.db)


STEPS: dict[str, Callable[[], int]] = {
    "sign-in events": delete_sign_in_events,
    "results of jobs": delete_job_items,
    "delivery events": delete_delivery_events,
    "queue tasks": delete_queue_tasks,
    "mail files": delete_mail_files,
    "sending limits": delete_sending_limits,
    "pasted lists": delete_expired_list,
    "uses of personal data": delete_hourly_uses,
    "webhook deliveries": delete_webhook_deliveries,
    "provisioning requests": delete_provisioning_requests,
    "tokens": delete_old_tokens,
}
