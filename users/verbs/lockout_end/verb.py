"""Unlocks an account after too many failed attempts to sign in."""

from typing import Any

from django.db import transaction

from users import access
from users.audit.record import record_event
from users.models import User
from users.row_locks import lock_account
from users.sessions import throttle
from users.verbs.obstacles import DELETED_OBSTACLES, SERVICE, Obstacle, refuse_obstacle
from users.verbs.transaction import clean_reason

LOCKOUT_END_OBSTACLES = (
    *DELETED_OBSTACLES,
    SERVICE,
    Obstacle(
        sentence="This account is not locked out.",
        blocks=lambda account: not throttle.locked_until(account),
        in_row=False,
    ),
)


def end_lockout(account: User, *, by: Any, reason: str = "") -> User:
    """Resets the counter of failed attempts, so that the correct password works again at once."""
    reason = clean_reason(reason)
    with transaction.atomic():
        account = lock_account(account)
        access.require(by, "end_lockout", account)
        refuse_obstacle(account, LOCKOUT_END_OBSTACLES)
        throttle.reset_failures(account)
        record_event(
            "account.lockout_ended",
            actor=by,
            target=account,
            reason=reason,
        )
    return account
