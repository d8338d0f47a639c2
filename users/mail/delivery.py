"""Sends what waits in the outbox.

A message is claimed by a conditional UPDATE that counts the attempt and moves `due_at` on, before
anything is sent. A process that dies in between leaves a message that is due again a little later
and goes out with the same Message-ID: at least once, never lost. One letter of many goes out at
most once: while it is handed over its outcome is unknown, and unknown it stays where nobody comes
back to say.
"""

import logging
import smtplib
import time
from datetime import timedelta

from django.core.mail import EmailMessage, get_connection
from django.utils import timezone

from users.mail.message_content import compose_mail, drop_reason
from users.mail.models import Message

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 12
BATCH = 50
SERVICE_CLOSING = 421  # the server hangs up; the next message needs a new connection


def deliver_due_messages(seconds: float = 20) -> int:
    """Sends due messages for at most `seconds`, over one connection; the number that left."""
    deadline = time.monotonic() + seconds
    sent = 0
    connection = get_connection()
    try:
        while time.monotonic() < deadline and (batch := due_messages()):
            for message in batch:
                if time.monotonic() < deadline and claim_message(message):
                    sent += deliver_message(message, connection)
    except ConnectionError as error:
        logger.warning("Mail server not reachable, emails stay in the outbox: %s", error)
    finally:
        connection.close()
    return sent


def due_messages() -> list[Message]:
    """Mails to single people first: somebody waits for them, however many a job has put into the
    outbox.
    """
    waiting = Message.objects.filter(state=Message.State.WAITING, due_at__lte=timezone.now())
    return list(
        waiting.select_related("account", "letter").order_by("is_bulk", "due_at", "id")[:BATCH]
    )


def claim_message(message: Message) -> bool:
    """Whether this process may send it now. The row says until when nobody else may."""
    mine = Message.objects.filter(
        pk=message.pk, state=Message.State.WAITING, attempts=message.attempts
    )
    message.attempts += 1
    state = Message.State.UNKNOWN if at_most_once(message) else Message.State.WAITING
    return (
        mine.update(
            attempts=message.attempts,
            due_at=timezone.now() + retry_delay(message.attempts),
            state=state,
        )
        == 1
    )


def at_most_once(message: Message) -> bool:
    """Returns whether the message must not be sent twice: a bulk letter. Individual emails are
    rather sent twice than never.
    """
    return message.is_bulk and message.kind == Message.Kind.LETTER


def retry_delay(attempts: int) -> timedelta:
    """One minute after the first attempt, doubling, six hours at most."""
    return timedelta(minutes=min(2 ** min(attempts - 1, 9), 360))


def deliver_message(message: Message, connection) -> bool:
    """True if the server took it. Raises ConnectionError when no further message can be sent
    either.
    """
    message.account.refresh_from_db()  # the batch may have been read some time ago
    if reason := drop_reason(message):
        set_message_state(message, Message.State.DROPPED, reason)
        return False
    if message.attempts > MAX_ATTEMPTS:
        record_failure(
            message, "All attempts failed: the sending process died each time.", final=True
        )
        return False
    try:
        mail = compose_mail(message)
        mail.message()  # where a header cannot be made, this says so before anything is sent
    except Exception as error:
        logger.exception("Email %s can't be built", message.pk)
        # Recorded, not raised: it must not block the other messages.
        record_failure(message, f"{type(error).__name__}: {error}", final=False)
        return False
    open_connection(message, connection)
    return send_message(message, mail, connection)


def open_connection(message: Message, connection) -> None:
    """Opens the connection or raises ConnectionError. An error here, such as a wrong password, is
    not the message's fault.
    """
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        record_failure(message, error_text(error), final=False)
        raise ConnectionError(error_text(error)) from error


def send_message(message: Message, mail: EmailMessage, connection) -> bool:
    """The server's 5xx about the recipient or the text is final; about the sender, it is ours to
    mend and mail waits.
    """
    try:
        connection.send_messages([mail])
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        record_failure(message, f"{code} {reply_text(text)}", final=code >= 500)
        if code == SERVICE_CLOSING:
            connection.close()
    except smtplib.SMTPResponseException as error:
        record_failure(
            message,
            error_text(error),
            final=error.smtp_code >= 500 and not isinstance(error, smtplib.SMTPSenderRefused),
        )
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
    """The connection broke while the message was handed over: the server may have it, or not."""
    if at_most_once(message):
        set_message_state(message, Message.State.UNKNOWN, error)
    else:
        record_failure(message, error, final=False)


def record_failure(message: Message, error: str, *, final: bool) -> None:
    state = (
        Message.State.FAILED if final or message.attempts >= MAX_ATTEMPTS else Message.State.WAITING
    )
    set_message_state(message, state, error)


def set_message_state(message: Message, state: Message.State, error: str = "") -> None:
    """That it was sent is true whoever says it. Anything else only the process may say that claimed
    it last: one that was stopped for a while must not put a message back that another one has sent
    since.
    """
    mine = Message.objects.filter(pk=message.pk)
    if state == Message.State.SENT:
        mine.update(
            state=state,
            error="",
            sent_at=timezone.now(),
        )
    else:
        claimed = Message.State.UNKNOWN if at_most_once(message) else Message.State.WAITING
        mine.filter(state=claimed, attempts=message.attempts).update(
            state=state, error=error[:1000]
        )


def error_text(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {reply_text(error.smtp_error)}"
    return f"{error}" or type(error).__name__


def reply_text(text: bytes | str) -> str:
    """Returns the server's reply as text without NUL, which PostgreSQL cannot store."""
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    return text.replace("\x00", "")
