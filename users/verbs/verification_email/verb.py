"""Sends an email with a link that confirms the address."""

from typing import Any

from django.db import transaction

from users.audit.record import record_event
from users.mail import outbox
from users.mail.models import Message
from users.models import State, User
from users.verbs.obstacles import (
    INACTIVE_OBSTACLES,
    queued_obstacle,
    refuse_obstacle,
    state_obstacle,
)
from users.verbs.transaction import lock_and_check
from users.verbs.verification.verb import ACTION, VERIFICATION_OBSTACLES

VERIFICATION_EMAIL_OBSTACLES = (
    *VERIFICATION_OBSTACLES,
    state_obstacle(
        State.INVITED, "This account is {}. Accepting the invitation verifies the address."
    ),
    *INACTIVE_OBSTACLES,
    queued_obstacle(Message.Kind.VERIFICATION),
)


def send_verification(account: User, *, by: Any, version: int | None = None) -> User:
    """Queues an email with a link that confirms the address."""
    with transaction.atomic():
        current = lock_and_check(account, ACTION, by=by, version=version)
        refuse_obstacle(current, VERIFICATION_EMAIL_OBSTACLES)
        outbox.post_message(Message.Kind.VERIFICATION, current)
        record_event("account.verification_sent", actor=by, target=current)
    return current
