"""Ends a suspension."""

from typing import Any

from users.exceptions import VerbRefused
from users.mail import outbox
from users.mail.models import Message
from users.models import State, User
from users.verbs.transaction import change_account, clean_reason


def reinstate_account(
    account: User, *, by: Any, reason: str = "", tell: bool = False, version: int | None = None
) -> User:
    """Ends a suspension. An account that never had a password becomes invited, any other active.

    `tell` sends the person an email: their invitation, or that they can sign in again.
    """
    reason = clean_reason(reason)
    action = "reinstate"
    event = "account.reinstated"
    with change_account(
        account,
        action,
        event,
        by=by,
        version=version,
        reason=reason,
    ) as current:
        if current.status != State.SUSPENDED:
            raise VerbRefused(
                f"This account is {current.state.label.lower()}, not suspended.", current
            )
        had_password = current.has_usable_password() or current.last_login
        current.status = State.ACTIVE if had_password else State.INVITED
        current.status_reason = ""
        current.suspended_until = None
        if tell:
            outbox.post_message(message_kind(current), current)
    return current


def message_kind(account: User) -> Message.Kind:
    """The kind of email that tells the owner of a reinstated account."""
    if account.status == State.INVITED:
        return Message.Kind.INVITATION
    return Message.Kind.REINSTATED
