"""Suspends an account."""

from datetime import datetime
from typing import Any

from users.exceptions import VerbRefused
from users.mail import outbox
from users.mail.models import Message
from users.models import State, User
from users.verbs.transaction import change_account, require_future, require_reason


def suspend_account(
    account: User,
    *,
    by: Any,
    reason: str,
    until: datetime | None = None,
    notify: bool = False,
    version: int | None = None,
) -> User:
    """Suspends the account until `until`, or until it is reinstated.

    The user can't sign in, and sessions end at their next request. `notify`: send an email with the
    end date but not the reason.
    """
    reason = require_reason(reason)
    require_future("until", until)
    with change_account(
        account,
        "suspend",
        "account.suspended",
        by=by,
        version=version,
        reason=reason,
    ) as current:
        if current.state not in (State.ACTIVE, State.INVITED, State.ENDED):
            raise VerbRefused(f"This account is already {current.state.label.lower()}.", current)
        current.status = State.SUSPENDED
        current.status_reason = reason
        current.suspended_until = until
        current.session_epoch += 1
        if notify:
            outbox.post_message(Message.Kind.SUSPENDED, current)
    return current
