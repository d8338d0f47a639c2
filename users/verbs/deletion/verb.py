"""Moves an account to the recycle bin. The row stays, so its username and address stay taken."""

from typing import Any

from users.audit.record import json_values
from users.database.clock import current_time
from users.models import State, User
from users.verbs.obstacles import refuse_obstacle, state_obstacle
from users.verbs.transaction import change_account, require_reason

RESTORED_FIELDS = ("status", "status_reason", "suspended_until")

DELETION_OBSTACLES = tuple(
    state_obstacle(state, "This account is already {}.") for state in (State.DELETED, State.ERASED)
)


def delete_account(account: User, *, by: Any, reason: str, version: int | None = None) -> User:
    """Moves the account to the recycle bin.

    The user can't sign in, and sessions end at their next request. Roles and password are kept.
    """
    reason = require_reason(reason)
    with change_account(
        account,
        "delete",
        "account.deleted",
        by=by,
        version=version,
        reason=reason,
    ) as current:
        refuse_obstacle(current, DELETION_OBSTACLES)
        values = {name: getattr(current, name) for name in RESTORED_FIELDS}
        current.before_deletion = json_values(values)
        current.status = State.DELETED
        current.status_reason = reason
        current.suspended_until = None
        current.deleted_at = current_time()
        current.session_epoch += 1
    return current
