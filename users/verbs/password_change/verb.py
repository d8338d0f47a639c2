"""Requires a new password at the next sign-in."""

from typing import Any

from django.db.models import Q

from users.models import User
from users.verbs.obstacles import (
    DELETED_OBSTACLES,
    NO_PASSWORD,
    SERVICE,
    Obstacle,
    refuse_obstacle,
)
from users.verbs.transaction import change_account, clean_reason

PASSWORD_CHANGE_OBSTACLES = (
    *DELETED_OBSTACLES,
    SERVICE,
    Obstacle(
        sentence="A password change is already required.",
        blocks=lambda account: account.must_change_password,
        condition=lambda now: Q(must_change_password=True),
    ),
    NO_PASSWORD,
)


def require_password_change(
    account: User, *, by: Any, reason: str = "", version: int | None = None
) -> User:
    """Requires a new password at the next sign-in. Sessions stay open."""
    reason = clean_reason(reason)
    with change_account(
        account,
        "require_password_change",
        "account.password_change_required",
        by=by,
        version=version,
        reason=reason,
    ) as current:
        refuse_obstacle(current, PASSWORD_CHANGE_OBSTACLES)
        current.must_change_password = True
    return current
