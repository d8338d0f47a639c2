"""Delivers checkpoints to destinations outside the database: the worker's log and the anchor file,
syslog, a webhook, mailboxes and witnesses.

Each destination gets the newest checkpoint at least once; earlier ones are contained in it.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from http.client import HTTPException
from typing import NamedTuple

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q

from users.audit.anchors import append_anchor_line
from users.audit.tree.models import AnchorDelivery, SignedCheckpoint
from users.audit.tree.note_lines import note_line
from users.audit.tree.proofs import latest_checkpoint
from users.audit.tree.syslog import send_syslog
from users.audit.tree.tiles import TreeFault
from users.audit.tree.witness_client import (
    ForkRefusal,
    WitnessAddress,
    WitnessError,
    cosign_checkpoint,
)
from users.database.clock import current_time
from users.outbound.limited_requests import post_body

logger = logging.getLogger(__name__)
# A second task leaves a destination to the first one for this long.
DELIVERY_CLAIM_TIME = timedelta(seconds=50)
EVERY_TIME = timedelta(0)
# People read these, so one a day is enough.
MAIL_INTERVAL = timedelta(hours=24)
RESULT_FIELDS = ("checkpoint", "size", "delivered_at", "error", "failed_at", "refused_at")
MAIL_TEXT = """\
This is the latest checkpoint of the audit trail of {site}: its first {size:,} events.

Keep this email outside Rollcall. Save its text to a file to check the audit trail later:
manage.py audit_verify --anchor FILE

{note}"""


class Destination(NamedTuple):
    name: str
    deliver: Callable[[SignedCheckpoint, AnchorDelivery], None]
    interval: timedelta = EVERY_TIME


def destinations() -> list[Destination]:
    """Returns the destinations of the settings."""
    found = []
    if settings.AUDIT_ANCHOR_SYSLOG:
        found.append(Destination("syslog", deliver_syslog))
    if settings.AUDIT_ANCHOR_WEBHOOK:
        found.append(Destination("webhook", deliver_webhook))
    found += [mailbox_destination(address) for address in settings.AUDIT_ANCHOR_EMAILS]
    found += [witness_destination(url, vkey) for url, vkey in settings.AUDIT_WITNESSES]
    return found


def mailbox_destination(address: str) -> Destination:
    deliver = partial(deliver_email, address)
    return Destination(f"email {address}", deliver, MAIL_INTERVAL)


def witness_destination(url: str, vkey: str) -> Destination:
    witness = WitnessAddress.parse(url, vkey)
    deliver = partial(deliver_witness, witness)
    return Destination(f"witness {witness.key.name}", deliver)


def append_note_line() -> None:
    """Writes the newest checkpoint to the worker's log and to AUDIT_ANCHOR_FILE."""
    checkpoint = latest_checkpoint()
    if checkpoint is not None:
        line = note_line(checkpoint)
        logger.info(line)
        append_anchor_line(line)


def deliver_newest() -> None:
    """Delivers the newest checkpoint to every destination that lacks it. Runs every minute."""
    found = destinations()
    names = [destination.name for destination in found]
    AnchorDelivery.objects.exclude(destination__in=names).delete()
    checkpoint = latest_checkpoint()
    if checkpoint is None:
        return
    for destination in found:
        delivery = claim_delivery(destination, checkpoint, current_time())
        if delivery is None:
            continue
        try:
            attempt_delivery(destination, delivery, checkpoint)
        except Exception:
            # The destinations after this one get theirs.
            logger.exception("Checkpoint not delivered to %s", destination.name)


def claim_delivery(
    destination: Destination, checkpoint: SignedCheckpoint, now: datetime
) -> AnchorDelivery | None:
    """Returns the row of a destination that is due; None if it isn't."""
    row, _ = AnchorDelivery.objects.get_or_create(destination=destination.name)
    if row.checkpoint_id == checkpoint.pk:
        return None
    # A time far in the future, from when the clock was ahead, must not block this.
    if row.delivered_at and abs(now - row.delivered_at) < destination.interval:
        return None
    recent = (now - DELIVERY_CLAIM_TIME, now + DELIVERY_CLAIM_TIME)
    free = Q(tried_at=None) | ~Q(tried_at__range=recent)
    rows = AnchorDelivery.objects.filter(free, pk=row.pk)
    row.tried_at = now
    return row if rows.update(tried_at=now) else None


def attempt_delivery(
    destination: Destination, delivery: AnchorDelivery, checkpoint: SignedCheckpoint
) -> None:
    """Delivers a checkpoint, and notes in the row of the destination what became of it."""
    delivery.error = ""
    try:
        destination.deliver(checkpoint, delivery)
    except ForkRefusal as refusal:
        delivery.error = str(refusal)
        delivery.refused_at = delivery.refused_at or current_time()
    except (OSError, HTTPException, WitnessError, TreeFault) as error:
        delivery.error = str(error) or type(error).__name__
    else:
        delivery.checkpoint = checkpoint
        delivery.delivered_at = current_time()
        delivery.failed_at = delivery.refused_at = None
    if delivery.error:
        logger.error("Checkpoint not delivered to %s: %s", destination.name, delivery.error)
        delivery.error = delivery.error[:300]
        delivery.failed_at = delivery.failed_at or current_time()
    store_result(delivery)


def store_result(delivery: AnchorDelivery) -> None:
    """Stores the result of an attempt, unless another task has claimed the destination since."""
    own = AnchorDelivery.objects.filter(pk=delivery.pk, tried_at=delivery.tried_at)
    own.update(**{name: getattr(delivery, name) for name in RESULT_FIELDS})


def deliver_syslog(checkpoint: SignedCheckpoint, delivery: AnchorDelivery) -> None:
    send_syslog(settings.AUDIT_ANCHOR_SYSLOG, checkpoint.at, note_line(checkpoint))


def deliver_webhook(checkpoint: SignedCheckpoint, delivery: AnchorDelivery) -> None:
    reply = post_body(settings.AUDIT_ANCHOR_WEBHOOK, checkpoint.full_note.encode())
    if not 200 <= reply.status < 300:
        raise OSError(f"the webhook answered with status {reply.status}")


def deliver_email(
    address: str,
    checkpoint: SignedCheckpoint,
    delivery: AnchorDelivery,
) -> None:
    text = MAIL_TEXT.format(
        site=settings.SITE_URL,
        size=checkpoint.size,
        note=checkpoint.full_note,
    )
    noun = "event" if checkpoint.size == 1 else "events"
    subject = f"Audit trail checkpoint: {checkpoint.size:,} {noun}"
    mail = EmailMessage(subject, text, to=[address])
    try:
        mail.send()
    except Exception as error:
        # Each email provider has exceptions of its own.
        raise OSError(f"the email was not sent ({type(error).__name__})") from error


def deliver_witness(
    witness: WitnessAddress, checkpoint: SignedCheckpoint, delivery: AnchorDelivery
) -> None:
    cosign_checkpoint(witness, checkpoint, delivery)
