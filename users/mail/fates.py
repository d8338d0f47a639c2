"""Applies what providers reported: to messages, to accounts and to suppressed addresses.

A worker takes the stored events in batches, each in one transaction. Events may come twice, late
and in any order, so a message's fate only moves to a higher rank.
"""

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from users.audit.record import record_event
from users.database.clock import current_time
from users.email_addresses import email_key
from users.mail.models import DeliveryEvent, Message, Suppression
from users.mail.suppressions import NewSuppression, suppress_addresses
from users.mail.unsubscription import withdraw_consent
from users.metrics.registry import define_counter
from users.models import State, User

Fate = Message.Fate
Kind = DeliveryEvent.Kind
Pair = tuple[DeliveryEvent, Message]
logger = logging.getLogger(__name__)

EVENTS = define_counter(
    "rollcall_delivery_events_total",
    "Applied reports of email providers, by kind; unknown: about no message of Rollcall; failed: "
    "not applied because of an error.",
    ["kind"],
)
BATCH = 500
# An event may come before its message has the provider's id.
UNKNOWN_AFTER = timedelta(minutes=1)
RANKS = {fate: rank for rank, fate in enumerate(Fate.values)}
FATES = {
    Kind.DEFERRED: Fate.DEFERRED,
    Kind.DELIVERED: Fate.DELIVERED,
    Kind.COMPLAINED: Fate.COMPLAINED,
}
# What suppresses an address: the source and its reason, with the name of the provider.
SUPPRESSED_FOR = {
    Kind.BOUNCED: (
        Suppression.Source.INVALID,
        "Permanent bounce reported by {}.",
    ),
    Kind.COMPLAINED: (
        Suppression.Source.COMPLAINT,
        "Spam complaint reported by {}.",
    ),
    Kind.UNSUBSCRIBED: (
        Suppression.Source.UNSUBSCRIBED,
        "Unsubscribed through {}.",
    ),
}
# A delivered email was sent, whatever this side knows of it.
PROVEN_SENT = {
    Kind.DELIVERED: {
        Message.State.UNKNOWN,
        Message.State.WAITING,
        Message.State.FAILED,
    },
}
# One of another kind was at least handed over.
HANDED_OVER = {Message.State.UNKNOWN}


def apply_events(seconds: float = 20) -> int:
    """Applies stored events for at most `seconds`. Returns their number."""
    deadline = time.monotonic() + seconds
    applied = 0
    ids = waiting_ids(0)
    while ids and time.monotonic() < deadline:
        applied += apply_batch(ids)
        ids = waiting_ids(ids[-1])
    return applied


def waiting_ids(after: int) -> list[int]:
    """Returns the ids of the next events. Kinds of a newer release are left to its workers."""
    waiting = DeliveryEvent.objects.filter(
        applied_at=None,
        pk__gt=after,
        kind__in=Kind.values,
    )
    return list(waiting.order_by("pk").values_list("pk", flat=True)[:BATCH])


def apply_batch(ids: list[int]) -> int:
    """Applies events in one transaction. Returns their number.

    If that fails, each is applied in a transaction of its own, so that one event that can't be
    applied does not keep all others waiting.
    """
    try:
        return apply_together(ids)
    except (OperationalError, InterfaceError):
        # The database: the next run tries again.
        raise
    except Exception:
        if len(ids) > 1:
            return sum(apply_batch([pk]) for pk in ids)
        logger.exception("Delivery event %s can't be applied and was discarded.", ids[0])
        EVENTS.labels("failed").inc()
        return discard_events(ids)


def apply_together(ids: list[int]) -> int:
    """Applies those of the events that no other worker has locked. Returns their number."""
    with transaction.atomic():
        waiting = DeliveryEvent.objects.filter(pk__in=ids, applied_at=None).order_by("pk")
        events = list(waiting.select_for_update(skip_locked=True))
        messages = find_messages(events)
        pairs = [(event, messages[event.pk]) for event in events if event.pk in messages]
        # Accounts are locked before messages, as by an erasure.
        apply_to_accounts(pairs)
        apply_to_messages(pairs)
        known = mark_known(pairs)
        unknown = mark_unknown([event for event in events if event.pk not in messages])
    return known + unknown


def find_messages(events: list[DeliveryEvent]) -> dict[int, Message]:
    """Returns the message of each event by the event's key: the one that the event names, or else
    the one with the provider's id.
    """
    ids = {event.message_id for event in events} - {""}
    named = {each.message_id: each for each in Message.objects.filter(message_id__in=ids)}
    found = {event.pk: named[event.message_id] for event in events if event.message_id in named}
    others = [event for event in events if event.pk not in found]
    provider_ids = {event.provider_id for event in others} - {""}
    theirs = Message.objects.filter(provider_id__in=provider_ids).exclude(provider_id="")
    by_provider_id = {message.provider_id: message for message in theirs}
    for event in others:
        if event.provider_id in by_provider_id:
            found[event.pk] = by_provider_id[event.provider_id]
    return found


# --- messages -------------------------------------------------------------------------------------


def apply_to_messages(pairs: list[Pair]) -> None:
    """Moves the fate of each message forward, and settles what this side did not know of it."""
    events: dict[int, list[DeliveryEvent]] = {}
    for event, message in pairs:
        events.setdefault(message.pk, []).append(event)
    rows = Message.objects.filter(pk__in=list(events)).order_by("pk")
    changed = []
    for message in rows.select_for_update(of=("self",)):
        moved = [move_forward(message, event) for event in events[message.pk]]
        if any(moved):
            changed.append(message)
    columns = [
        "fate",
        "fate_at",
        "state",
        "sent_at",
        "error",
        "waiting_reason",
    ]
    Message.objects.bulk_update(changed, columns)


def move_forward(message: Message, event: DeliveryEvent) -> bool:
    """Applies one event to a message without saving it. Returns whether that changed it."""
    changed = False
    fate = event_fate(event)
    if RANKS[fate] > RANKS[message.fate]:
        message.fate = fate
        message.fate_at = event.at
        changed = True
    if message.state in PROVEN_SENT.get(Kind(event.kind), HANDED_OVER):
        message.state = Message.State.SENT
        message.sent_at = message.sent_at or event.at
        message.error = ""
        message.waiting_reason = ""
        changed = True
    return changed


def event_fate(event: DeliveryEvent) -> str:
    """Returns the fate that an event reports; NONE for one that is not about the delivery."""
    if event.kind == Kind.BOUNCED:
        return Fate.BOUNCED if event.is_permanent else Fate.SOFT_BOUNCED
    return FATES.get(Kind(event.kind), Fate.NONE)


# --- accounts -------------------------------------------------------------------------------------


def apply_to_accounts(pairs: list[Pair]) -> None:
    """Marks accounts whose address bounced, withdraws consent, and suppresses addresses."""
    pairs = [pair for pair in pairs if concerns_address(pair[0])]
    if not pairs:
        return
    ids = {message.account_id for _, message in pairs}
    rows = User.objects.filter(pk__in=ids).exclude(status=State.ERASED).order_by("pk")
    accounts = {account.pk: account for account in rows.select_for_update(of=("self",))}
    for event, message in pairs:
        account = accounts.get(message.account_id)
        if account and account.email and email_key(account.email) == email_key(message.to):
            apply_to_account(account, event)
    for source, entries in new_suppressions(pairs).items():
        suppress_addresses(entries, source)


def concerns_address(event: DeliveryEvent) -> bool:
    """Returns whether an event says something about the address and not only about an email."""
    return event.is_permanent or event.kind in (Kind.COMPLAINED, Kind.UNSUBSCRIBED)


def apply_to_account(account: User, event: DeliveryEvent) -> None:
    """Applies an event about the current address of a locked account."""
    if event.kind == Kind.BOUNCED:
        record_bounce(account, event.at)
    elif event.kind == Kind.COMPLAINED:
        withdraw_consent(account, "account.consent_withdrawn", reason="Reported as spam.")
    else:
        reason = "Unsubscribed through the provider."
        withdraw_consent(account, "account.consent_withdrawn", reason=reason)


def record_bounce(account: User, at: datetime) -> bool:
    """Records on a locked account that its current address bounced permanently, with an event.
    Returns False if that is known.
    """
    if account.email_bounced_at:
        return False
    account.email_bounced_at = at
    account.version += 1
    account.updated_at = current_time()
    account.save(update_fields=["email_bounced_at", "version", "updated_at"])
    record_event(
        "account.email_bounced",
        actor=None,
        target=account,
        before={"email_bounced_at": None},
        after={"email_bounced_at": at},
    )
    return True


def mark_address_bounced(message: Message, at: datetime | None = None) -> bool:
    """Records that the address of a message does not exist, as a mail server has replied. Returns
    whether that is new and the account still has the address.
    """
    with transaction.atomic():
        rows = User.objects.filter(pk=message.account_id).exclude(status=State.ERASED)
        account = rows.select_for_update(of=("self",)).first()
        if account is None or not account.email:
            return False
        is_current = email_key(account.email) == email_key(message.to)
        return is_current and record_bounce(account, at or current_time())


def new_suppressions(
    pairs: Iterable[Pair],
) -> dict[Suppression.Source, list[NewSuppression]]:
    """Returns what to suppress, by source. An erased message has no address; its event has."""
    found: dict[Suppression.Source, list[NewSuppression]] = {}
    for event, message in pairs:
        source, reason = SUPPRESSED_FOR[Kind(event.kind)]
        entry = NewSuppression(
            address=message.to or event.recipient,
            reason=reason.format(provider_label(event.provider)),
        )
        found.setdefault(source, []).append(entry)
    return found


def provider_label(name: str) -> str:
    """Returns the name of a provider; that in the row if this release does not know it."""
    return settings.EMAIL_PROVIDERS[name].label if name in settings.EMAIL_PROVIDERS else name


# --- events ---------------------------------------------------------------------------------------


def mark_known(pairs: list[Pair]) -> int:
    """Marks events as applied. Each names its message from now on, so that its page finds them."""
    now = current_time()
    renamed = []
    for event, message in pairs:
        EVENTS.labels(event.kind).inc()
        is_erased = not message.to
        if event.message_id != message.message_id or is_erased:
            event.message_id = message.message_id
            event.recipient = "" if is_erased else event.recipient
            event.detail = "" if is_erased else event.detail
            renamed.append(event)
    columns = [
        "message_id",
        "recipient",
        "detail",
    ]
    DeliveryEvent.objects.bulk_update(renamed, columns)
    ids = [event.pk for event, _ in pairs]
    DeliveryEvent.objects.filter(pk__in=ids).update(applied_at=now)
    return len(ids)


def mark_unknown(events: list[DeliveryEvent]) -> int:
    """Marks events about no message of Rollcall, once its message can no longer turn up: they are
    applied and name no message and nobody. Returns their number.
    """
    oldest = current_time() - UNKNOWN_AFTER
    ids = [event.pk for event in events if event.received_at < oldest]
    EVENTS.labels("unknown").inc(len(ids))
    return discard_events(ids)


def discard_events(ids: list[int]) -> int:
    """Marks events as applied, without a message and without personal data. Returns their
    number.
    """
    return DeliveryEvent.objects.filter(pk__in=ids).update(
        applied_at=current_time(),
        message_id="",
        recipient="",
        detail="",
    )
