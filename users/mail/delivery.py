"""Sends the messages that wait in the outbox.

A message is claimed before it is sent, by a conditional UPDATE that counts the attempt and defers
`due_at` (users/mail/claims.py). If the process dies, the message is due again seconds later and is
sent with the same Message-ID: at least once, never lost. A bulk letter is sent at most once: its
state is UNKNOWN while it is being sent, and stays so if the process dies.
"""

import logging
import smtplib
import time
from typing import Any

from django.core.exceptions import ValidationError
from django.core.mail import BadHeaderError, EmailMessage, get_connection

from users.database.clock import current_time, database_now
from users.mail.claims import (
    ClaimKeeper,
    at_most_once,
    claim_message,
    claimed_state,
    retry_delay,
)
from users.mail.message_content import compose_mail, drop_reason
from users.mail.models import Message
from users.metrics.registry import define_counter

logger = logging.getLogger(__name__)

MESSAGES = define_counter(
    "rollcall_messages_total",
    "Attempts to send an email, by kind and the state after it; waiting: tried again later.",
    ["kind", "state"],
)
MAX_ATTEMPTS = 12
BATCH = 50
# The server closes the connection; the next message needs a new one.
SERVICE_CLOSING = 421


def deliver_due_messages(seconds: float = 20) -> int:
    """Sends due messages for at most `seconds`, over one connection. Returns their number."""
    deadline = time.monotonic() + seconds
    sent = 0
    connection = get_connection()
    try:
        with ClaimKeeper() as keeper:
            while time.monotonic() < deadline and (batch := due_messages()):
                for message in batch:
                    if time.monotonic() < deadline and claim_message(message):
                        keeper.message = message
                        sent += deliver_message(message, connection)
    except ConnectionError as error:
        logger.warning("Mail server not reachable, emails stay in the outbox: %s", error)
    finally:
        connection.close()
    return sent


def due_messages() -> list[Message]:
    """Returns the next messages: individual emails first, because somebody waits for them.

    Kinds that this release does not know are left to workers of the release that is being deployed.
    """
    waiting = Message.objects.filter(state=Message.State.WAITING, due_at__lte=database_now())
    known = waiting.filter(kind__in=Message.Kind.values)
    ordered = known.order_by("is_bulk", "due_at", "id")
    return list(ordered.select_related("account", "letter")[:BATCH])


def deliver_message(message: Message, connection) -> bool:
    """Sends the message unless it is obsolete. Returns whether the server accepted it.

    Raises ConnectionError if no further message can be sent either.
    """
    # The batch may have been read some time ago.
    message.account.refresh_from_db()
    if reason := drop_reason(message):
        set_message_state(message, Message.State.DROPPED, reason)
        return False
    if message.attempts > MAX_ATTEMPTS:
        reason = "All attempts failed: the sending process died each time."
        record_failure(message, reason, final=True)
        return False
    try:
        mail = compose_mail(message)
        # Raises for an invalid header, before anything is sent.
        mail.message()
    except (ValidationError, UnicodeError, BadHeaderError) as error:
        # No header can hold its address or its subject, today or later.
        logger.warning("Email %s can never be built: %s", message.pk, type(error).__name__)
        record_failure(message, unbuildable_reason(error), final=True)
        return False
    except Exception as error:
        logger.exception("Email %s can't be built", message.pk)
        # Recorded, not raised: it must not block the other messages.
        record_failure(message, f"{type(error).__name__}: {error}", final=False)
        return False
    open_connection(message, connection)
    return send_message(message, mail, connection)


def unbuildable_reason(error: Exception) -> str:
    """Returns the sentence of a form for an address that no mail reaches, or the error's text."""
    return error.messages[0] if isinstance(error, ValidationError) else str(error)


def open_connection(message: Message, connection) -> None:
    """Opens the connection or raises ConnectionError.

    An error here, such as a wrong password, is not the fault of the message.
    """
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        record_failure(message, error_text(error), final=False)
        raise ConnectionError(error_text(error)) from error


def send_message(message: Message, mail: EmailMessage, connection) -> bool:
    """Sends the mail over the open connection. Returns whether the server accepted it.

    A 5xx reply about the recipient or the text is final. One about the sender is an error of the
    configuration, so the message waits until it is fixed.
    """
    try:
        connection.send_messages([mail])
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        record_failure(message, f"{code} {reply_text(text)}", final=code >= 500)
        if code == SERVICE_CLOSING:
            connection.close()
    except smtplib.SMTPResponseException as error:
        final = error.smtp_code >= 500 and not isinstance(error, smtplib.SMTPSenderRefused)
        record_failure(message, error_text(error), final=final)
        connection.close()
    except smtplib.SMTPNotSupportedError as error:
        # The server cannot deliver to this kind of address.
        record_failure(message, error_text(error), final=True)
    except (OSError, smtplib.SMTPException) as error:
        record_lost_connection(message, error_text(error))
        raise ConnectionError(error_text(error)) from error
    else:
        set_message_state(message, Message.State.SENT)
        return True
    return False


def record_lost_connection(message: Message, error: str) -> None:
    """Records that the connection broke during the transfer: the server may have the message."""
    if at_most_once(message):
        set_message_state(message, Message.State.UNKNOWN, error)
    else:
        record_failure(message, error, final=False)


def record_failure(message: Message, error: str, *, final: bool) -> None:
    """Records a failed attempt. `final`: further attempts would fail too."""
    is_last = final or message.attempts >= MAX_ATTEMPTS
    state = Message.State.FAILED if is_last else Message.State.WAITING
    set_message_state(message, state, error)


def set_message_state(message: Message, state: Message.State, error: str = "") -> None:
    """Stores the outcome of an attempt.

    Any process may record that it sent the message. Other outcomes are stored only for the process
    that claimed it last: a process that hung must not requeue a message that has been sent since.
    """
    MESSAGES.labels(message.kind, state.value).inc()
    row = Message.objects.filter(pk=message.pk)
    if state == Message.State.SENT:
        row.update(state=state, error="", sent_at=current_time())
        return
    values: dict[str, Any] = {"state": state, "error": error[:1000]}
    if state == Message.State.WAITING:
        values["due_at"] = database_now() + retry_delay(message.attempts)
    row.filter(state=claimed_state(message), attempts=message.attempts).update(**values)


def error_text(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {reply_text(error.smtp_error)}"
    return f"{error}" or type(error).__name__


def reply_text(text: bytes | str) -> str:
    """Returns the server's reply as text without NUL, which PostgreSQL cannot store."""
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    return text.replace("\x00", "")
