"""Claims of messages: which process sends a message, and until when no other may.

A claim is short, and the process that sends extends it. If the process is killed, the message is
due again within seconds.

Several messages are claimed at once, which is safe: the outcome of each is stored before the next
one is handed over, so a process that dies leaves one message that may have left. One that must not
leave twice gets the state UNKNOWN when it is handed over (users/mail/handover.py), and not when it
is claimed.
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from secrets import SystemRandom
from threading import Event, Thread
from typing import Any, Self

from django.db import DatabaseError, connection, connections, transaction
from django.db.models import F, QuerySet

from users.database.clock import database_now
from users.mail.models import Letter, Message
from users.mail.rates import RateLimit, defer_by_domain

CLAIM_SECONDS = 5
EXTENSION_SECONDS = 1.5
# Later attempts have long claims: the message may be what kills its process.
SHORT_CLAIMS = 3
# The pause after the first attempt is up to so long, and is doubled by each further one.
FIRST_PAUSE = timedelta(minutes=2)
LONGEST_PAUSE = timedelta(hours=12)
SHORTEST_PAUSE = timedelta(seconds=10)
SERVER_WAIT = "Waiting for the mail server: {}"
secure_random = SystemRandom()


def claim_messages(
    due: QuerySet[Message], size: int, limits: Sequence[RateLimit] = ()
) -> list[Message] | None:
    """Claims the first of the due messages, at most `size`, each for one attempt until its new
    `due_at`. Returns None if some are due, but the limits let none leave now.
    """
    # A look without a lock first: SQLite has one writer.
    if not due.exists():
        return []
    with transaction.atomic():
        skip_locked = connection.features.has_select_for_update_skip_locked
        locked = due.select_for_update(of=("self",), skip_locked=skip_locked)
        found = first_attempts(list(locked.select_related("account")[:size]))
        free = len(found)
        for limit in limits:
            free = limit.count_free_slots(free)
        claimed = defer_by_domain(found[:free])
        # Only now: a deferred message uses no slot of the server or of its letter.
        for limit in limits:
            limit.take_slots(len(claimed))
        store_claims(claimed)
    load_letters(claimed)
    return claimed if claimed or not found else None


def load_letters(messages: Sequence[Message]) -> None:
    """Reads the letter of each message; a batch has few, and a join would repeat their texts."""
    ids = {message.letter_id for message in messages if message.letter_id}
    found = Letter.objects.in_bulk(ids) if ids else {}
    for message in messages:
        message.letter = found.get(message.letter_id) if message.letter_id else None


def first_attempts(messages: list[Message]) -> list[Message]:
    """Returns the messages that may be claimed together: those at the beginning that nobody has
    tried to send, or else one. What kills its process must not count as an attempt of others.
    """
    count = 0
    while count < len(messages) and not messages[count].attempts:
        count += 1
    return messages[: max(count, 1)]


def store_claims(messages: Sequence[Message]) -> None:
    """Counts the attempt, and sets the end of the claims."""
    if not messages:
        return
    for message in messages:
        message.attempts += 1
    # All have the same number of attempts.
    rows = Message.objects.filter(pk__in=[message.pk for message in messages])
    until = database_now() + claim_time(messages[0].attempts)
    rows.update(attempts=messages[0].attempts, due_at=until)


def release_claims(messages: Sequence[Message], error: str = "") -> None:
    """Takes back claims of messages that were not tried. `error`: that of the mail server."""
    if not messages:
        return
    values: dict[str, Any] = {"attempts": F("attempts") - 1, "due_at": database_now()}
    if error:
        values["waiting_reason"] = SERVER_WAIT.format(error)[:1000]
    claimed_rows(messages).update(**values)


def claimed_rows(messages: Sequence[Message]) -> QuerySet[Message]:
    """Returns the rows of messages that were claimed together, as far as the claims hold."""
    return Message.objects.filter(
        pk__in=[message.pk for message in messages],
        state=Message.State.WAITING,
        attempts=messages[0].attempts,
    )


def at_most_once(message: Message) -> bool:
    """Returns whether the message is one to many people, which must not be sent twice.

    An individual email had better be sent twice than never.
    """
    is_letter = message.is_bulk and message.kind == Message.Kind.LETTER
    return is_letter or message.kind == Message.Kind.ANNOUNCEMENT


def claim_time(attempts: int) -> timedelta:
    if attempts <= SHORT_CLAIMS:
        return timedelta(seconds=CLAIM_SECONDS)
    return longest_pause(attempts) / 2


def longest_pause(attempts: int) -> timedelta:
    return min(FIRST_PAUSE * 2 ** min(attempts - 1, 16), LONGEST_PAUSE)


def retry_delay(attempts: int) -> timedelta:
    """Returns the pause before the next attempt, at random up to the longest one (full jitter), so
    that messages that were refused together don't come back together.
    """
    return max(longest_pause(attempts) * secure_random.random(), SHORTEST_PAUSE)


def extend_claims(messages: Sequence[Message]) -> int:
    """Extends the claims of attempts that have not ended. Returns the number of extended ones."""
    if not messages:
        return 0
    until = database_now() + claim_time(messages[0].attempts)
    return claimed_rows(messages).filter(due_at__lt=until).update(due_at=until)


class ClaimKeeper:
    """A thread that extends the claims of `messages`, as long as this process lives."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.held_until = 0.0
        self.stopped = Event()
        self.thread = Thread(
            target=self.run,
            name="claim keeper",
            daemon=True,
        )

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stopped.set()
        self.thread.join()

    def hold(self, messages: list[Message], claimed_at: float) -> None:
        """Keeps the claims of `messages` from now on; the caller removes those that are done.
        `claimed_at`: the clock before they were claimed.
        """
        self.held_until = claimed_at + CLAIM_SECONDS
        self.messages = messages

    def holds(self, message: Message) -> bool:
        """Returns whether the claim holds, also after this process was suspended for a while."""
        return time.time() < self.held_until - 1 or extend_claims([message]) == 1

    def run(self) -> None:
        try:
            while not self.stopped.wait(EXTENSION_SECONDS):
                self.extend()
        finally:
            connections.close_all()

    def extend(self) -> None:
        messages = list(self.messages)
        now = time.time()
        try:
            # The one that is being handed over may have another state already.
            if extend_claims(messages) >= len(messages) - 1:
                self.held_until = now + CLAIM_SECONDS
        except DatabaseError:
            # The claims expire, and another process may send the messages too.
            connections.close_all()
