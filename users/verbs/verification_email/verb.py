""""""

from typing import Any

from django.db import transaction

from users.audit.record import record_event
from users.exceptions import VerbRefused
from users.mail.models import Message
from users.models import State, User
from users.verbs.transaction import lock_and_check, post_message_once
from users.verbs.verification.verb import ACTION, require_unverified


def send_verification(account: User, *, by: Any, version: int | None = None) -> User:
    """A mail with a link that confirms the address."""
    with transaction.atomic():
        current = lock_and_check(account, ACTION, by=by, version=version)
        require_unverified(current)
        if current.state == State.INVITED:
            raise VerbRefused(
                "This account is invited. Accepting the invitation verifies the address.", current
            )
        if not current.is_active:
            raise VerbRefused(
                f"This account is {current.state.label.lower()}, so the link would not work.",
                current,
            )
        post_message_once(Message.Kind.VERIFICATION, current)
        record_event("account.verification_sent", actor=by, target=current)
    return current
