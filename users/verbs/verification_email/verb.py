""""""

from typing import Any

from django.db import transaction

from users.audit.record import record
from users.exceptions import Refused
from users.mail.models import Message
from users.models import State, User
from users.verbs.transaction import hold, post_once
from users.verbs.verification.verb import ACTION, require_unverified


def send_verification(account: User, *, by: Any, version: int | None = None) -> User:
    """A mail with a link that confirms the address."""
    with transaction.atomic():
        current = hold(account, ACTION, by=by, version=version)
        require_unverified(current)
        if current.state == State.INVITED:
            raise Refused(
                "This account is invited. Accepting the invitation verifies the address.", current
            )
        if not current.is_active:
            raise Refused(
                f"This account is {current.state.label.lower()}, so the link would not work.",
                current,
            )
        post_once(Message.Kind.VERIFICATION, current)
        record("account.verification_sent", actor=by, target=current)
    return current
