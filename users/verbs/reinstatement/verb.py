"""Ends a suspension."""

from typing import Any

from django.db.models import Q

from users.mail import outbox
from users.mail.models import Message
from users.models import State, User, in_state
from users.verbs.obstacles import Obstacle, refuse_obstacle
from users.verbs.transaction import change_account, clean_reason


def unsuspended_obstacle(state: State) -> Obstacle:
    """Returns the obstacle of being in `state` without a stored suspension, even one whose end has
    passed.
    """
    is_unsuspended = ~Q(status=State.SUSPENDED)
    return Obstacle(
        sentence=f"This account is {state.label.lower()}, not suspended.",
        blocks=lambda account: account.status != State.SUSPENDED and account.state == state,
        condition=lambda now: is_unsuspended & in_state(state, now),
    )


REINSTATEMENT_OBSTACLES = tuple(
    unsuspended_obstacle(state) for state in State if state != State.SUSPENDED
)


def reinstate_account(
    account: User, *, by: Any, reason: str = "", notify: bool = False, version: int | None = None
) -> User:
    """Ends a suspension. An account that never had a password becomes invited, others active.

    `notify`: send an email with the invitation, or about being able to sign in again.
    """
    reason = clean_reason(reason)
    with change_account(
        account,
        "reinstate",
        "account.reinstated",
        by=by,
        version=version,
        reason=reason,
    ) as current:
        refuse_obstacle(current, REINSTATEMENT_OBSTACLES)
        had_password = current.has_usable_password() or current.last_login
        current.status = State.ACTIVE if had_password else State.INVITED
        current.status_reason = ""
        current.suspended_until = None
        if notify:
            outbox.post_message(message_kind(current), current)
    return current


def message_kind(account: User) -> Message.Kind:
    """Returns the kind of email for the owner of a reinstated account."""
    if account.status == State.INVITED:
        return Message.Kind.INVITATION
    return Message.Kind.REINSTATED
