"""Suspends an account."""

from datetime import datetime
from typing import Any

from users.mail import outbox
from users.mail.models import Message
from users.models import State, User
from users.verbs.obstacles import refuse_obstacle, state_obstacle
from users.verbs.transaction import change_account, require_future, require_reason

SUSPENSION_OBSTACLES = tuple(
    state_obstacle(state, "This account is already {}.")
    for state in (State.SUSPENDED, State.DELETED, State.ERASED)
)


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
        refuse_obstacle(current, SUSPENSION_OBSTACLES)
        current.status = State.SUSPENDED
        current.status_reason = reason
        current.suspended_until = until
        current.session_epoch += 1
        if notify:
            outbox.post_message(Message.Kind.SUSPENDED, current)
    return current
