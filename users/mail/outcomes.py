"""Stores what became of an attempt to send a message."""

import logging
from typing import Any

from django.db import transaction

from users.database.clock import database_now
from users.mail.claims import at_most_once, retry_delay
from users.mail.fates import mark_address_bounced
from users.mail.models import Message, Suppression
from users.mail.smtp_replies import Outcome, ReplyError, enhanced_code, find_rule
from users.mail.suppressions import suppress_address
from users.metrics.registry import define_counter

logger = logging.getLogger(__name__)
MESSAGES = define_counter(
    "rollcall_messages_total",
    "Attempts to send an email, by kind and the state after it; waiting: tried again later.",
    ["kind", "state"],
)
# With pauses of half the longest on average, these take about two days.
MAX_ATTEMPTS = 16


def record_reply(message: Message, error: ReplyError) -> None:
    """Records that the server refused the message."""
    outcome = find_rule(error).outcome
    is_final = outcome in (Outcome.FAIL, Outcome.SUPPRESS)
    record_failure(message, str(error), final=is_final)
    if outcome == Outcome.SUPPRESS:
        suppress_recipient(message, error)


def suppress_recipient(message: Message, error: ReplyError) -> None:
    """Suppresses an address that does not exist, and marks its account. The server's words may
    contain the address, which must not survive an erasure.
    """
    codes = f"{error.code} {enhanced_code(error.text)}".strip()
    with transaction.atomic():
        mark_address_bounced(message)
        reason = f"The mail server replied {codes}."
        suppress_address(message.to, Suppression.Source.INVALID, reason)


def record_lost_connection(message: Message, error: str, *, may_have_arrived: bool) -> None:
    """Records that the connection broke. `may_have_arrived`: while the text was handed over."""
    if may_have_arrived and at_most_once(message):
        set_message_state(message, Message.State.UNKNOWN, error)
    else:
        record_failure(message, error, final=False)


def record_failure(message: Message, error: str, *, final: bool) -> None:
    """Records a failed attempt. `final`: further attempts would fail too."""
    is_last = final or message.attempts >= MAX_ATTEMPTS
    state = Message.State.FAILED if is_last else Message.State.WAITING
    set_message_state(message, state, error)


def set_message_state(message: Message, state: Message.State, error: str = "") -> None:
    """Stores the outcome of an attempt other than SENT, which users/mail/handover.py stores.

    It is stored only for the process that claimed the message last: a process that hung must not
    requeue a message that has been sent since.
    """
    count_attempt(message, state)
    values: dict[str, Any] = {
        "state": state,
        "error": error[:1000],
        "waiting_reason": "",
    }
    if state == Message.State.WAITING:
        values["due_at"] = database_now() + retry_delay(message.attempts)
    # UNKNOWN after the handover of a message that must not be sent twice.
    claimed = Message.objects.filter(
        pk=message.pk,
        state=message.state,
        attempts=message.attempts,
    )
    claimed.update(**values)


def count_attempt(message: Message, state: Message.State) -> None:
    MESSAGES.labels(message.kind, state.value).inc()
