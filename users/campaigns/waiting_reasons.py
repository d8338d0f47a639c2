"""Why a message of the outbox waits, in words."""

from datetime import datetime
from typing import Any

from users.database.clock import current_time
from users.mail.lanes import is_within_hours
from users.mail.models import Letter, Message
from users.web.time_html import full_time_text

NEXT_TO_BE_SENT = "Next to be sent."
BEING_SENT = "Being sent."


def waiting_reason(message: Message, now: datetime | None = None) -> str:
    """Returns the first reason for which the message is not sent at once."""
    now = now or current_time()
    if message.letter and message.is_bulk and (reason := letter_reason(message.letter, now)):
        return reason
    if message.due_at > now:
        return later_reason(message)
    if message.waiting_reason or message.error:
        return due_reason(message)
    return rate_reason(message.letter) if message.is_bulk else NEXT_TO_BE_SENT


def due_reason(message: Message) -> str:
    """Returns why a message that is due was not sent before."""
    if message.waiting_reason:
        return with_last_error(f"Due now. {message.waiting_reason}", message)
    return with_last_error("Retrying now.", message)


def later_reason(message: Message) -> str:
    """Returns why a message is not due yet: after a failed attempt, or while it is claimed."""
    at = full_time_text(message.due_at)
    if message.waiting_reason:
        return with_last_error(f"Due at {at}. {message.waiting_reason}", message)
    if message.error:
        return with_last_error(f"Next attempt at {at}.", message)
    return BEING_SENT if message.attempts else f"Due at {at}."


def with_last_error(text: str, message: Message) -> str:
    """Returns the text with the error of the last attempt, if there was one."""
    if not message.error:
        return text
    return f"{text.rstrip('.')}. The last attempt failed: {message.error}"


def letter_reason(letter: Letter, now: datetime) -> str:
    """Returns why nothing of a bulk letter is sent now; "" if it may be sent."""
    if letter.paused_at:
        return f"Paused since {full_time_text(letter.paused_at)}."
    if letter.not_before and letter.not_before > now:
        return f"Sending begins at {full_time_text(letter.not_before)}."
    if letter.hours and not is_within_hours(letter.hours, now):
        return f"Outside its sending hours: {hours_text(letter.hours)}."
    return ""


def rate_reason(letter: Letter | None) -> str:
    if letter and letter.per_minute:
        return f"Queued; limited to {emails_text(letter.per_minute)} per minute."
    return "Queued. Individual emails are sent first."


def emails_text(number: int) -> str:
    return f"{number:,} email{'' if number == 1 else 's'}"


def hours_text(hours: dict[str, Any] | None) -> str:
    """Returns a daily window such as "09:00 to 18:00 (Europe/Berlin)"; "" for none."""
    if not hours:
        return ""
    return f"{hours['from']} to {hours['to']} ({hours['zone'].replace('_', ' ')})"
