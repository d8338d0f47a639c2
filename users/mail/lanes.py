"""The order in which messages leave: individual emails first, because someone waits for them, then
emails of bulk jobs without a letter, then bulk letters in turn.

Each bulk letter has an index range of its own, so one that is paused costs the others nothing,
however many messages it has.
"""

import time
from collections import deque
from datetime import datetime
from datetime import time as clock_time
from typing import Any

from django.db.models import QuerySet

from users.database.clock import current_time, database_now
from users.mail.claims import claim_messages
from users.mail.models import Letter, Message
from users.mail.rates import letter_limits, server_limits
from users.web.time_zone import local_time, zone_named

# The list of letters takes a query for each letter that waits. It is used for at least so many
# seconds, and for at least so many times the time that it took.
LIST_SECONDS = 2
LIST_FACTOR = 10
MAX_LETTERS = 500
# What decides whether a letter is held.
HOLD_FIELDS = ["paused_at", "not_before", "hours"]


class Lanes:
    """The messages that one drain of the outbox takes, batch by batch."""

    def __init__(self) -> None:
        # Whether messages are due that the limits of the rate hold back.
        self.is_throttled = False
        self.letters: deque[int] = deque()
        self.listed_until = 0.0

    def next_batch(self, size: int) -> list[Message]:
        """Claims the next messages; [] if none may be sent now."""
        self.is_throttled = False
        for due in (due_individual(), due_without_letter()):
            if batch := self.claim(due, size, []):
                return batch
        for letter_id in self.letters_in_turn():
            # Options may have changed since the list was read.
            letter = Letter.objects.filter(pk=letter_id).defer("text", "translations").first()
            if letter is None or is_held(letter, current_time()):
                continue
            if batch := self.claim(due_of_letter(letter_id), size, letter_limits(letter)):
                return batch
        return []

    def claim(self, due: QuerySet[Message], size: int, limits: list[Any]) -> list[Message]:
        batch = claim_messages(due, size, [*limits, *server_limits()])
        if batch is None:
            self.is_throttled = True
        return batch or []

    def letters_in_turn(self) -> list[int]:
        """Returns the ids of bulk letters with messages; each call begins with the next one."""
        began = time.monotonic()
        if began > self.listed_until:
            # Continue the rotation at the letter that was next.
            first = self.letters[0] if self.letters else 0
            found = waiting_letters()
            after = [each for each in found if each >= first]
            self.letters = deque(after + [each for each in found if each < first])
            ended = time.monotonic()
            self.listed_until = ended + max(LIST_SECONDS, LIST_FACTOR * (ended - began))
        turn = list(self.letters)
        self.letters.rotate(-1)
        return turn


def waiting_messages() -> QuerySet[Message]:
    """Returns the messages that wait.

    Kinds that this release does not know are left to workers of the release that is being deployed.
    """
    waiting = Message.objects.filter(state=Message.State.WAITING)
    return waiting.filter(kind__in=Message.Kind.values)


def waiting_in_lane(*, is_bulk: bool) -> QuerySet[Message]:
    """Returns the individual or the bulk messages that wait, those due first: a range of the index
    message_in_turn.
    """
    # SQLite takes `NOT is_bulk` for no range of the index.
    waiting = Message.objects.filter(state=Message.State.WAITING, is_bulk__in=[is_bulk])
    return waiting.order_by("due_at", "id")


def due_individual() -> QuerySet[Message]:
    individual = waiting_in_lane(is_bulk=False).filter(kind__in=Message.Kind.values)
    return individual.filter(due_at__lte=database_now())


def due_without_letter() -> QuerySet[Message]:
    due = waiting_messages().filter(
        is_bulk=True,
        letter=None,
        due_at__lte=database_now(),
    )
    # letter_id is constant here; it is named so that the index gives the order.
    return due.order_by("letter_id", "due_at", "id")


def due_of_letter(letter_id: int) -> QuerySet[Message]:
    due = waiting_messages().filter(
        is_bulk=True,
        letter=letter_id,
        due_at__lte=database_now(),
    )
    return due.order_by("due_at", "id")


def waiting_letters() -> list[int]:
    """Returns the ids of the first bulk letters with messages that wait, and that may be sent now.

    Those that are held may be many, and don't count towards MAX_LETTERS.
    """
    found: list[int] = []
    ids = letter_ids_after(0)
    while ids and len(found) < MAX_LETTERS:
        found += sendable_letters(ids)
        ids = letter_ids_after(ids[-1]) if len(ids) == MAX_LETTERS else []
    return found[:MAX_LETTERS]


def letter_ids_after(last: int) -> list[int]:
    """Returns up to MAX_LETTERS next ids of bulk letters with messages that wait: one index probe
    for each.
    """
    found: list[int] = []
    rows = Message.objects.filter(state=Message.State.WAITING, is_bulk=True)
    # Only the index of waiting messages has this order.
    ordered = rows.order_by("letter_id", "due_at", "id")
    ids = ordered.values_list("letter_id", flat=True)
    while len(found) < MAX_LETTERS:
        letter_id = ids.filter(letter_id__gt=last).first()
        if letter_id is None:
            break
        found.append(letter_id)
        last = letter_id
    return found


def sendable_letters(ids: list[int]) -> list[int]:
    """Returns the ids of those letters that are not held."""
    now = current_time()
    rows = Letter.objects.filter(pk__in=ids, paused_at=None).only(*HOLD_FIELDS)
    return [letter.pk for letter in rows.order_by("pk") if not is_held(letter, now)]


def is_held(letter: Letter, now: datetime) -> bool:
    """Returns whether a bulk letter is paused, not due yet, or outside its sending hours."""
    if letter.paused_at or (letter.not_before and letter.not_before > now):
        return True
    if not letter.hours:
        return False
    return not is_within_hours(letter.hours, now)


def is_within_hours(hours: dict[str, str], now: datetime) -> bool:
    """Returns whether clocks in the zone of the daily window show a time in it.

    A window whose end is not after its beginning goes over midnight. Where clocks go forward over
    its beginning, it begins with the next time that they show; where they go back, it has the hour
    that comes twice both times.
    """
    local = local_time(now, zone_named(hours.get("zone", ""))).time()
    begin = clock_time.fromisoformat(hours["from"])
    end = clock_time.fromisoformat(hours["to"])
    if begin < end:
        return begin <= local < end
    return local >= begin or local < end
