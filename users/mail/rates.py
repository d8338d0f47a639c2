"""Limits of how many emails leave in a time, for all workers together.

Each limit is a row with the time from which the next email may be sent (the generic cell rate
algorithm). Emails beyond the limits of the server or of a letter stay where they are. Those beyond
the limit of a recipient's domain get a later time, so that others need not be searched for among
them. Slots are reserved only for the next two minutes: a letter that is cancelled leaves no more of
them unused.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

from django.conf import settings
from django.db.models.functions import Now

from users.database.clock import current_time
from users.mail.models import Letter, Message, SendingLimit

# What may be sent at once after a pause.
BURST = timedelta(seconds=1)
# For how long a slot for a domain can be used. Later, too many may be due together.
SLOT_LIFETIME = timedelta(seconds=10)
# A little more than a minute, so that no minute has more emails than the limit, bursts included.
# How far ahead slots for a domain are reserved.
HORIZON = timedelta(minutes=2)
LETTER_MINUTE = timedelta(seconds=62)
FIRST_TIME = datetime(2000, 1, 1, tzinfo=UTC)
ANY_DOMAIN = "*"
DOMAIN_WAIT = "Delayed by the rate limit for {}."
# Without a slot: it needs one when its time has come.
DOMAIN_QUEUE = "Delayed by the rate limit for {}. Many emails are ahead of it."


@dataclass(frozen=True)
class RateLimit:
    """One email in each `interval`."""

    key: str
    interval: timedelta

    def count_free_slots(self, wanted: int) -> int:
        """Returns how many slots are free now, at most `wanted`. No other worker takes them before
        the end of the transaction.
        """
        ready_at, now = lock_limit(self.key)
        return min(wanted, self.slots_until(now, first_slot(ready_at, now)))

    def take_slots(self, wanted: int) -> int:
        """Takes up to `wanted` slots that are free now, and returns their number. Call it in a
        transaction.
        """
        return len(self.reserve_slots(wanted, timedelta(0))[0])

    def reserve_slots(
        self, wanted: int, ahead: timedelta = HORIZON
    ) -> tuple[list[datetime], datetime]:
        """Takes up to `wanted` of the next slots, none of them later than `ahead` from now. Returns
        their times, and the time now.
        """
        ready_at, now = lock_limit(self.key)
        start = first_slot(ready_at, now)
        taken = min(wanted, self.slots_until(now + ahead, start))
        self.store(start + taken * self.interval)
        return [start + place * self.interval for place in range(taken)], now

    def slots_until(self, end: datetime, start: datetime) -> int:
        return (end - start) // self.interval + 1 if start <= end else 0

    def store(self, ready_at: datetime) -> None:
        SendingLimit.objects.filter(pk=self.key).update(ready_at=ready_at)


def first_slot(ready_at: datetime, now: datetime) -> datetime:
    return max(ready_at, now - BURST)


def lock_limit(key: str) -> tuple[datetime, datetime]:
    """Locks the row of a limit. Returns its time, and the time of the database."""
    rows = SendingLimit.objects.filter(pk=key).select_for_update()
    found = rows.annotate(now=Now()).values_list("ready_at", "now")
    row = found.first()
    if row is None:
        new = SendingLimit(key=key, ready_at=FIRST_TIME)
        SendingLimit.objects.bulk_create([new], ignore_conflicts=True)
        row = found.get()
    return row


def server_limits() -> list[RateLimit]:
    """Returns the limit of all emails; [] without one."""
    rate = settings.MAIL_RATE
    return [RateLimit("server", timedelta(seconds=1 / rate))] if rate else []


def letter_limits(letter: Letter) -> list[RateLimit]:
    """Returns the limit of a bulk letter; [] without one."""
    if not letter.per_minute:
        return []
    return [RateLimit(f"letter {letter.pk}", LETTER_MINUTE / letter.per_minute)]


def domain_limit(domain: str) -> RateLimit | None:
    """Returns the limit of a recipient's domain, if there is one."""
    rates = settings.MAIL_DOMAIN_RATES
    rate = rates.get(domain, rates.get(ANY_DOMAIN, 0))
    return RateLimit(f"domain {domain}", timedelta(seconds=1 / rate)) if rate else None


def domain_of(message: Message) -> str:
    return message.to.rpartition("@")[2].lower()


def defer_by_domain(messages: Sequence[Message]) -> list[Message]:
    """Returns the messages that may be sent now. Stores a later `due_at` for the others."""
    if not settings.MAIL_DOMAIN_RATES:
        return list(messages)
    by_domain: defaultdict[str, list[Message]] = defaultdict(list)
    for message in messages:
        by_domain[domain_of(message)].append(message)
    deferred: set[int] = set()
    # In one order, so that two workers don't wait for each other.
    for domain in sorted(by_domain):
        deferred |= defer_messages(domain, by_domain[domain])
    return [message for message in messages if message.pk not in deferred]


def defer_messages(domain: str, messages: list[Message]) -> set[int]:
    """Defers the messages to one domain that have no slot now. Returns their ids."""
    limit = domain_limit(domain)
    if limit is None:
        return set()
    note = DOMAIN_WAIT.format(domain)
    without_slot = [message for message in messages if not has_slot(message, note)]
    times, now = limit.reserve_slots(len(without_slot))
    late = []
    for message, at in zip_longest(without_slot, times):
        # Someone waits for an individual email: it takes its slot at once.
        if message.is_bulk and (at is None or at > now):
            message.due_at = at or now + HORIZON
            message.waiting_reason = note if at else DOMAIN_QUEUE.format(domain)
            late.append(message)
    Message.objects.bulk_update(late, ["due_at", "waiting_reason"])
    return {message.pk for message in late}


def has_slot(message: Message, note: str) -> bool:
    """Returns whether the message was deferred to a slot that has come just now."""
    return message.waiting_reason == note and message.due_at > current_time() - SLOT_LIFETIME
