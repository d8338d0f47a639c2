"""Sends the messages that wait in the outbox.

A message is claimed before it is sent (users/mail/claims.py). If the process dies, the message is
due again seconds later and is sent with the same Message-ID: at least once, never lost. An email to
many people is sent at most once: its state is UNKNOWN while it is handed over, and stays so if the
process dies.
"""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import BadHeaderError, EmailMessage, get_connection
from django.db import connections

from users.jobs.tasks import enqueue_delivery
from users.mail.breaker import CircuitBreaker, MailServerError
from users.mail.claims import ClaimKeeper, release_claims
from users.mail.handover import Handover, take_back
from users.mail.lanes import Lanes
from users.mail.message_content import compose_mail, drop_reason
from users.mail.models import Message
from users.mail.outcomes import (
    MAX_ATTEMPTS,
    record_failure,
    record_lost_connection,
    record_reply,
    set_message_state,
)
from users.mail.provider_errors import is_unreachable, provider_outcome
from users.mail.providers import record_provider_id
from users.mail.smtp_replies import Outcome, ReplyError, find_rule
from users.mail.smtp_transaction import ConnectionLostError, error_text
from users.mail.suppressions import load_suppressions

logger = logging.getLogger(__name__)
# Messages that are claimed together.
BATCH = 100
# After this many seconds, the rest of a batch is claimed anew: individual emails wait for those of
# a bulk batch, and it was read before whether a claimed message may leave.
FRESH_SECONDS = 1
# Between two looks for messages that the limits of the rate hold back.
THROTTLE_SECONDS = 0.2


def deliver_due_messages(seconds: float = 20) -> int:
    """Sends due messages for at most `seconds`. Returns their number.

    Each of MAIL_CONNECTIONS is a thread with a connection to the mail server and to the database.
    """
    deadline = time.monotonic() + seconds
    number = settings.MAIL_CONNECTIONS
    if number == 1:
        return Drain(deadline).run()
    with ThreadPoolExecutor(number, thread_name_prefix="delivery") as threads:
        return sum(threads.map(run_drain_apart, [deadline] * number))


def run_drain_apart(deadline: float) -> int:
    """Runs a drain in a thread of its own."""
    try:
        return Drain(deadline).run()
    finally:
        connections.close_all()


class Drain:
    """Sends batches over one connection until the outbox is empty or the time is up."""

    def __init__(self, deadline: float):
        self.deadline = deadline
        self.sent = 0
        self.breaker = CircuitBreaker()
        self.lanes = Lanes()
        self.handover = Handover()
        self.connection = get_connection()

    def run(self) -> int:
        """Returns the number of messages that the server accepted."""
        if not self.breaker.allows_sending():
            return 0
        try:
            with ClaimKeeper() as self.keeper:
                while time.monotonic() < self.deadline and self.deliver_batch():
                    pass
            self.breaker.release_probe()
        finally:
            close_connection(self.connection)
        if self.lanes.is_throttled:
            enqueue_delivery()
        return self.sent

    def deliver_batch(self) -> bool:
        """Delivers the next messages. Returns False if there are none, or the server fails."""
        claimed_at = time.time()
        messages = self.lanes.next_batch(1 if self.breaker.is_probing else BATCH)
        if not messages:
            if self.lanes.is_throttled:
                time.sleep(THROTTLE_SECONDS)
            return self.lanes.is_throttled
        self.keeper.hold(messages, claimed_at)
        load_suppressions(messages)
        try:
            return self.deliver_claimed(messages, claimed_at)
        finally:
            # The keeper extends no claim that another process may have by now.
            messages.clear()
            self.handover.store_accepted()

    def deliver_claimed(self, messages: list[Message], claimed_at: float) -> bool:
        """Delivers messages while what was read with them is fresh, but at least one. Returns False
        if the server fails.
        """
        while messages:
            try:
                self.deliver_next(messages[0])
            except MailServerError as failure:
                if failure.counts_as_attempt:
                    messages.pop(0)
                if self.breaker.record_failure(failure):
                    release_claims(messages, str(failure))
                    return False
            else:
                messages.pop(0)
            is_stale = time.time() > claimed_at + FRESH_SECONDS
            if is_stale or time.monotonic() > self.deadline:
                break
        release_claims(messages)
        return True

    def deliver_next(self, message: Message) -> None:
        if not self.keeper.holds(message):
            return
        if deliver_message(message, self.connection, self.handover):
            self.sent += 1
            self.breaker.record_success()


def deliver_message(message: Message, connection, handover: Handover) -> bool:
    """Sends the message unless it is obsolete. Returns whether the server accepted it.

    Raises MailServerError.
    """
    if reason := drop_reason(message):
        set_message_state(message, Message.State.DROPPED, reason)
        return False
    if message.attempts > MAX_ATTEMPTS:
        reason = "All attempts failed: the sending process died each time."
        record_failure(message, reason, final=True)
        return False
    mail = build_mail(message)
    if mail is None:
        return False
    open_connection(connection)
    if not handover.begin(message):
        # Its letter is paused. If its claim is lost, this does nothing.
        release_claims([message])
        return False
    if not send_message(message, mail, connection):
        return False
    handover.accept(message)
    return True


def build_mail(message: Message) -> EmailMessage | None:
    """Returns the mail of a message. Returns None if it can't be built, and records why."""
    try:
        mail = compose_mail(message)
        # Raises for an invalid header, before anything is sent.
        built = mail.message()
    except (ValidationError, UnicodeError, BadHeaderError) as error:
        # No header can hold its address or its subject, today or later.
        logger.warning("Email %s can never be built: %s", message.pk, type(error).__name__)
        record_failure(message, unbuildable_reason(error), final=True)
        return None
    except Exception as error:
        logger.exception("Email %s can't be built", message.pk)
        # Recorded, not raised: it must not block the other messages.
        record_failure(message, f"{type(error).__name__}: {error}", final=False)
        return None
    # Backends call it again, and building it is expensive.
    mail.message = lambda **_: built  # type: ignore
    return mail


def unbuildable_reason(error: Exception) -> str:
    """Returns the sentence of a form for an address that no mail reaches, or the error's text."""
    return error.messages[0] if isinstance(error, ValidationError) else str(error)


def open_connection(connection) -> None:
    """Opens the connection or raises MailServerError.

    An error here, such as a wrong password or certificate, is not the fault of a message.
    """
    try:
        connection.open()
    except Exception as error:
        drop_connection(connection)
        raise MailServerError(error_text(error), is_down=True) from error


def send_message(message: Message, mail: EmailMessage, connection) -> bool:
    """Sends the mail over the open connection. Returns whether the server accepted it.

    Raises MailServerError if other messages may fail too.
    """
    try:
        hand_over(mail, connection)
    except MailServerError:
        take_back(message)
        raise
    except ReplyError as error:
        settle_reply(message, error)
    except ConnectionLostError as error:
        may_have_arrived = error.may_have_arrived
        record_lost_connection(message, str(error), may_have_arrived=may_have_arrived)
        raise MailServerError(str(error), counts_as_attempt=True) from error
    except Exception as error:
        settle_backend_error(message, error)
    else:
        record_provider_id(message, mail)
        return True
    return False


def hand_over(mail: EmailMessage, connection) -> None:
    """Gives the mail to the server, over a new connection if the server has closed this one since
    the last mail. Raises ReplyError, ConnectionLostError or MailServerError.
    """
    try:
        connection.send_messages([mail])
    except ConnectionLostError as error:
        if error.may_have_arrived:
            raise
        open_connection(connection)
        connection.send_messages([mail])


def settle_reply(message: Message, error: ReplyError) -> None:
    """Records a refusal. Raises MailServerError if it is not about this message alone."""
    if find_rule(error).outcome == Outcome.HOLD:
        take_back(message)
        raise MailServerError(str(error)) from error
    record_reply(message, error)
    if error.is_server_wide:
        raise MailServerError(str(error), counts_as_attempt=True) from error


def settle_backend_error(message: Message, error: Exception) -> None:
    """Records an error of another backend than SMTP. Raises MailServerError."""
    text = f"{error}" or type(error).__name__
    is_down = is_unreachable(error)
    outcome = provider_outcome(error)
    if is_down or outcome == Outcome.HOLD:
        take_back(message)
        raise MailServerError(text, is_down=is_down) from error
    if outcome == Outcome.FAIL:
        record_failure(message, text, final=True)
        return
    if outcome == Outcome.RETRY:
        record_failure(message, text, final=False)
    else:
        logger.warning("Email %s: no answer", message.pk, exc_info=error)
        record_lost_connection(message, text, may_have_arrived=True)
    raise MailServerError(text, counts_as_attempt=True) from error


def drop_connection(connection) -> None:
    """Closes a connection that does not work; the next message needs a new one."""
    drop = getattr(connection, "drop", connection.close)
    drop()


def close_connection(connection) -> None:
    with suppress(OSError):
        connection.close()
