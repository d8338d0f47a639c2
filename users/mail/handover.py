"""Stores that a message is about to be handed over to the server, and that the server has it.

One that must not be sent twice is UNKNOWN on disk before it is handed over. The statement that
stores this also stores that the server has accepted the one before, so each costs one wait for the
disk. If the process dies between the two, that one stays UNKNOWN.

The statements are SQL by hand: the ORM has no UPDATE in a WITH, and compiling an UPDATE takes as
long as the database needs for it.
"""

from datetime import datetime
from typing import Any

from django.db import connection

from users.database.clock import current_time
from users.database.prepared_statements import prepared_cursor
from users.mail.claims import at_most_once
from users.mail.models import Message
from users.mail.outcomes import count_attempt

SENT_SQL = """UPDATE users_message
    SET state = 'sent', error = '', waiting_reason = '', sent_at = %s WHERE id = %s"""
# Otherwise the disk's flushes would limit the sending rate. If the database server crashes, a
# message may leave again with the same Message-ID; one that must not is UNKNOWN on disk.
WITHOUT_FLUSH = " AND set_config('synchronous_commit', 'off', true) = 'off'"
UNKNOWN_SQL = """UPDATE users_message SET state = 'unknown'
    WHERE id = %s AND state = 'waiting' AND attempts = %s AND NOT EXISTS (
        SELECT 1 FROM users_letter WHERE id = %s AND paused_at IS NOT NULL)"""


class Handover:
    """The messages of one drain of the outbox, each before and after it is handed over."""

    def __init__(self) -> None:
        # What the server has accepted, and when, as long as it is not stored.
        self.accepted: tuple[Message, datetime] | None = None

    def begin(self, message: Message) -> bool:
        """Marks a message that must not be sent twice. Returns whether it may be sent: its claim
        holds, and nobody has dropped it or paused its letter.
        """
        if not at_most_once(message):
            self.store_accepted()
            return True
        if not self.store_unknown(message):
            return False
        message.state = Message.State.UNKNOWN
        return True

    def accept(self, message: Message) -> None:
        """Notes that the server has accepted the message, and stores it now or with the next one.

        One that may be sent twice is stored now, so that a kill repeats at most one.
        """
        count_attempt(message, Message.State.SENT)
        self.accepted = (message, current_time())
        if not at_most_once(message):
            self.store_accepted()

    def store_accepted(self) -> None:
        if self.accepted:
            suffix = WITHOUT_FLUSH if connection.vendor == "postgresql" else ""
            execute_update(SENT_SQL + suffix, sent_values(*self.accepted))
            self.accepted = None

    def store_unknown(self, message: Message) -> bool:
        """Stores the state UNKNOWN, with what the server has accepted before. Returns whether the
        message may be sent.
        """
        letter_id = message.letter_id if message.is_bulk else None
        values = [message.pk, message.attempts, letter_id]
        if connection.vendor != "postgresql":
            self.store_accepted()
        if not self.accepted:
            return execute_update(UNKNOWN_SQL, values) == 1
        statement = f"WITH accepted AS ({SENT_SQL}) {UNKNOWN_SQL}"
        number = execute_update(statement, [*sent_values(*self.accepted), *values])
        self.accepted = None
        return number == 1


def store_sent(message: Message) -> None:
    """Stores that the server has accepted the message. Any process may say so, whoever has claimed
    it since.
    """
    handover = Handover()
    handover.accept(message)
    handover.store_accepted()


def sent_values(message: Message, at: datetime) -> list[Any]:
    return [connection.ops.adapt_datetimefield_value(at), message.pk]


def execute_update(statement: str, values: list[Any]) -> int:
    """Returns the number of rows that the statement has changed."""
    with prepared_cursor(connection) as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def take_back(message: Message) -> None:
    """Undoes the mark of a message that the server did not get."""
    if message.state == Message.State.UNKNOWN:
        rows = Message.objects.filter(pk=message.pk, attempts=message.attempts)
        rows.filter(state=message.state).update(state=Message.State.WAITING)
        message.state = Message.State.WAITING
