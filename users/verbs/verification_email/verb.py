"""Sends an email with a link that confirms the address."""

from typing import Any

from django.db import transaction

from users.audit.record import record_event
from users.exceptions import VerbRefused
from users.mail.models import Message
from users.models import State, User
from users.verbs.transaction import lock_and_check, post_message_once
from users.verbs.verification.verb import ACTION, require_unverified


def send_verification(account: User, *, by: Any, version: int | None = None) -> User:
    """Queues an email with a link that confirms the address."""
    with transaction.atomic():
        current = lock_and_check(account, ACTION, by=by, version=version)
        require_unverified(current)
        if current.state == State.INVITED:
            text = "This account is invited. Accepting the invitation verifies the address."
            raise VerbRefused(text, current)
        if not current.is_active:
            state = current.state.label.lower()
            raise VerbRefused(f"This account is {state}, so the link would not work.", current)
        post_message_once(Message.Kind.VERIFICATION, current)
        record_event("account.verification_sent", actor=by, target=current)
    return current
