"""Clears the end date of an account."""

from typing import Any

from django.db.models import Q

from users.models import User
from users.verbs.end_date.verb import ACTION
from users.verbs.obstacles import DELETED_OBSTACLES, SERVICE_END, Obstacle, refuse_obstacle
from users.verbs.transaction import change_account, clean_reason

END_DATE_REMOVAL_OBSTACLES = (
    *DELETED_OBSTACLES,
    SERVICE_END,
    Obstacle(
        sentence="This account has no end date.",
        blocks=lambda account: account.valid_until is None,
        condition=lambda now: Q(valid_until__isnull=True),
    ),
)


def clear_end_date(account: User, *, by: Any, reason: str = "", version: int | None = None) -> User:
    """Clears the end date. An expired account can be used again."""
    reason = clean_reason(reason)
    with change_account(
        account,
        ACTION,
        "account.end_date_cleared",
        by=by,
        version=version,
        reason=reason,
    ) as current:
        refuse_obstacle(current, END_DATE_REMOVAL_OBSTACLES)
        current.valid_until = None
    return current
