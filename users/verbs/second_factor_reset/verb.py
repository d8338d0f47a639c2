"""Resets the second factor of an account."""

from typing import Any

from users.factors.authenticators import delete_all_factors, sync_factor_column
from users.mail import outbox
from users.mail.models import Message
from users.models import User
from users.verbs.obstacles import DELETED_OBSTACLES, SERVICE, Obstacle, refuse_obstacle
from users.verbs.transaction import change_account, require_reason

SECOND_FACTOR_OBSTACLES = (
    *DELETED_OBSTACLES,
    SERVICE,
    Obstacle(
        sentence="This account has no second factor.",
        blocks=lambda account: not account.has_second_factor,
    ),
)


def reset_second_factor(account: User, *, by: Any, reason: str, version: int | None = None) -> User:
    """Removes all second factors and recovery codes, so that the password alone is enough until a
    new factor is set up.

    All sessions end, because someone who has found the lost factor may use one of them.
    """
    reason = require_reason(reason)
    with change_account(
        account,
        "reset_second_factor",
        "account.second_factor_reset",
        by=by,
        version=version,
        reason=reason,
    ) as current:
        refuse_obstacle(current, SECOND_FACTOR_OBSTACLES)
        delete_all_factors(current.pk)
        sync_factor_column(current)
        outbox.post_message(Message.Kind.FACTOR_REMOVED, current)
        current.session_epoch += 1
    return current
