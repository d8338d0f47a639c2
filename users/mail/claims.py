"""Claims of messages: which process sends a message, and until when no other may.

A claim is short, and the process that sends extends it. If the process is killed, the message is
due again within seconds.
"""

from datetime import timedelta
from threading import Event, Thread
from typing import Any, Self

from django.db import DatabaseError, connections

from users.database.clock import database_now
from users.mail.models import Message

CLAIM_SECONDS = 5
EXTENSION_SECONDS = 1.5
# Later attempts have long claims: the message may be what kills its process.
SHORT_CLAIMS = 3


def claim_message(message: Message) -> bool:
    """Claims the message for one attempt, until its new `due_at`. Returns whether it succeeded."""
    claimable = Message.objects.filter(
        pk=message.pk, state=Message.State.WAITING, attempts=message.attempts
    )
    message.attempts += 1
    claimed = claimable.update(
        attempts=message.attempts,
        due_at=database_now() + claim_time(message.attempts),
        state=claimed_state(message),
    )
    return claimed == 1


def claimed_state(message: Message) -> Message.State:
    """Returns the state of a message while it is being sent."""
    return Message.State.UNKNOWN if at_most_once(message) else Message.State.WAITING


def at_most_once(message: Message) -> bool:
    """Returns whether the message is a bulk letter, which must not be sent twice.

    An individual email had better be sent twice than never.
    """
    return message.is_bulk and message.kind == Message.Kind.LETTER


def claim_time(attempts: int) -> timedelta:
    if attempts <= SHORT_CLAIMS:
        return timedelta(seconds=CLAIM_SECONDS)
    return retry_delay(attempts)


def retry_delay(attempts: int) -> timedelta:
    """Returns one minute after the first attempt, doubled by each further one, up to six hours."""
    return timedelta(minutes=min(2 ** min(attempts - 1, 9), 360))


def extend_claim(message: Message) -> int:
    """Extends the claim, unless the attempt has ended. Returns the number of extended claims."""
    until = database_now() + claim_time(message.attempts)
    claimed = Message.objects.filter(
        pk=message.pk, state=Message.State.WAITING, attempts=message.attempts, due_at__lt=until
    )
    return claimed.update(due_at=until)


class ClaimKeeper:
    """A thread that extends the claim of `message`, as long as this process lives."""

    def __init__(self) -> None:
        self.message: Message | None = None
        self.stopped = Event()
        self.thread = Thread(target=self.run, name="claim keeper", daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stopped.set()
        self.thread.join()

    def run(self) -> None:
        try:
            while not self.stopped.wait(EXTENSION_SECONDS):
                self.extend()
        finally:
            connections.close_all()

    def extend(self) -> None:
        message = self.message
        try:
            if message is not None:
                extend_claim(message)
        except DatabaseError:
            # The claim expires, and another process may send the message too.
            connections.close_all()
