"""Advances the rollups, and rebuilds them.

A step counts a range of events and stores the new position in one transaction, which holds the row
of the position. So an interrupted or repeated run counts nothing twice. Audit events are counted by
their position in the chain, which has no gaps; sign-in events and emails by id, once they are
settled.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from users.audit.models import AuditEvent, ChainHead
from users.dashboard import daily_counts, state_counts
from users.dashboard.daily_counts import (
    EMAIL_METRICS,
    EVENT_METRICS,
    OPEN_EMAIL_METRICS,
    SIGN_IN_METRICS,
)
from users.dashboard.models import RollupPosition
from users.database.clock import current_time
from users.mail.models import Message
from users.sessions.models import SignInEvent

# Rows in one transaction, which takes about a second.
RANGE_SIZE = 200_000
# A row with a lower id may still be committed, but not after this time.
SIGN_IN_DELAY = timedelta(minutes=1)
# The state of an email changes for as long as it is tried again.
EMAIL_DELAY = timedelta(days=2)
OF_CAMPAIGN = Q(kind=Message.Kind.ANNOUNCEMENT)
WAITING_EMAILS = Q(state=Message.State.WAITING) & ~OF_CAMPAIGN
EVENTS = "events"
STATES = "states"
SIGN_INS = "sign_ins"
EMAILS = "emails"
ROLLUPS = (
    EVENTS,
    STATES,
    SIGN_INS,
    EMAILS,
)


def advance_rollups(seconds: float = 40) -> bool:
    """Advances each rollup to the newest settled row. Returns whether all of them got there in
    `seconds`.
    """
    deadline = time.monotonic() + seconds
    for advance in (advance_states, advance_events, advance_sign_ins, advance_emails):
        while not advance():
            if time.monotonic() > deadline:
                return False
    return True


def rebuild_rollups(say: Callable[[str], None]) -> None:
    """Counts everything anew. The dashboard shows how far the counting has got."""
    say("Counting accounts by status")
    rebuild_states()
    for name, metrics, advance in (
        (EVENTS, EVENT_METRICS, advance_events),
        (SIGN_INS, SIGN_IN_METRICS, advance_sign_ins),
        (EMAILS, EMAIL_METRICS, advance_emails),
    ):
        say(f"Counting {name.replace('_', '-')} by day")
        reset_days(name, metrics)
        while not advance():
            pass


def lock_position(name: str) -> RollupPosition:
    """Returns a rollup's position, locked until the transaction ends."""
    position, _ = RollupPosition.objects.select_for_update().get_or_create(pk=name)
    return position


# --- audit events ---------------------------------------------------------------------------------


def advance_events() -> bool:
    """Counts the next range of sealed events by day. Returns whether it was the last one."""
    with transaction.atomic():
        position = lock_position(EVENTS)
        events, is_last = next_events(position)
        if day := pruned_day():
            # Its events are counted, and some of them are gone.
            events = events.filter(at__gte=end_of_day(day))
        daily_counts.add_event_counts(events)
        position.save()
    return is_last


def pruned_day() -> date | None:
    """Returns the last day in UTC of pruned audit events; None without any."""
    pruned_at = ChainHead.objects.values_list("pruned_at", flat=True).first()
    return pruned_at.astimezone(UTC).date() if pruned_at else None


def end_of_day(day: date) -> datetime:
    """Returns the end of a day in UTC."""
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=1)


def counted_position() -> int:
    """Returns the position of the chain up to which audit events are counted."""
    positions = RollupPosition.objects.filter(pk__in=[EVENTS, STATES])
    return min(positions.values_list("position", flat=True), default=0)


def advance_states() -> bool:
    """Advances the accounts by state, by the next range of sealed events. Begins by counting the
    accounts. Returns whether the range was the last one.
    """
    if not RollupPosition.objects.filter(pk=STATES).exists():
        rebuild_states()
    with transaction.atomic():
        position = lock_position(STATES)
        events, is_last = next_events(position)
        state_counts.add_status_changes(events)
        if is_last:
            state_counts.refresh_state_counts(current_time())
        position.save()
    return is_last


def next_events(position: RollupPosition) -> tuple[QuerySet[AuditEvent], bool]:
    """Moves `position` by a range. Returns the range's events, and whether it was the last one."""
    head = ChainHead.objects.filter(pk=1).first() or ChainHead(position=0)
    start = position.position
    position.position = min(start + RANGE_SIZE, max(head.position, start))
    events = AuditEvent.objects.filter(
        chain_position__gt=start, chain_position__lte=position.position
    )
    is_last = position.position >= head.position
    if is_last:
        position.until = head.sealed_until
    return events, is_last


def rebuild_states() -> None:
    """Counts the accounts by status anew, as of the end of the chain."""
    with transaction.atomic():
        position = lock_position(STATES)
        newest = ChainHead.objects.filter(pk=1).values_list("position", flat=True).first()
        position.position = newest or 0
        position.save()
        state_counts.count_statuses(position.position)
        state_counts.refresh_state_counts(current_time())


# --- sign-in events and emails --------------------------------------------------------------------


def advance_sign_ins() -> bool:
    """Counts the next range of settled sign-in events. Returns whether it was the last one."""
    with transaction.atomic():
        position = lock_position(SIGN_INS)
        cutoff = current_time() - SIGN_IN_DELAY
        rows, is_last = next_rows(position, SignInEvent.objects.all(), Q(at__gte=cutoff))
        daily_counts.add_sign_in_counts(rows)
        if is_last:
            position.until = cutoff
        position.save()
    return is_last


def advance_emails() -> bool:
    """Counts the next range of emails with a final state, and after the last range all others
    anew. Returns whether it was the last one.

    Emails of campaigns are counted by their campaigns. They may wait for a month, and a rollup that
    stopped there would count all later emails anew every minute.
    """
    now = current_time()
    with transaction.atomic():
        position = lock_position(EMAILS)
        unsettled = Q(created_at__gte=now - EMAIL_DELAY) | WAITING_EMAILS
        messages, is_last = next_rows(position, Message.objects.all(), unsettled)
        daily_counts.add_email_counts(messages.exclude(OF_CAMPAIGN), EMAIL_METRICS)
        if is_last:
            daily_counts.delete_daily_counts(OPEN_EMAIL_METRICS)
            others = Message.objects.filter(pk__gt=position.position).exclude(OF_CAMPAIGN)
            daily_counts.add_email_counts(others, OPEN_EMAIL_METRICS)
            daily_counts.update_campaign_counts()
            position.until = now
        position.save()
    return is_last


def next_rows(position: RollupPosition, rows: QuerySet, unsettled: Q) -> tuple[QuerySet, bool]:
    """Moves `position` by a range of rows, at most up to the first one that is `unsettled`. Returns
    the range's rows, and whether it was the last one.

    The range ends at a row that exists: the row of a missing id may still be committed. Ids may
    have gaps of any size.
    """
    start = position.position
    later = rows.filter(pk__gt=start).order_by("pk")
    end = later.values_list("pk", flat=True)[RANGE_SIZE - 1 : RANGE_SIZE].first()
    window = later.filter(pk__lte=end) if end else later
    first = window.filter(unsettled).values_list("pk", flat=True).first()
    settled = window.filter(pk__lt=first) if first else window
    position.position = settled.aggregate(last=Max("pk"))["last"] or start
    is_last = end is None or first is not None
    return settled.filter(pk__lte=position.position), is_last


def reset_days(name: str, metrics: dict[str, Q]) -> None:
    """Deletes the days of a rollup, so that it begins anew."""
    with transaction.atomic():
        position = lock_position(name)
        daily_counts.delete_daily_counts(metrics, after=pruned_day() if name == EVENTS else None)
        position.position = 0
        position.until = None
        position.save()
