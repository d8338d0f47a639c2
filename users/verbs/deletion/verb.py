"""Into the recycle bin, and out of it. Username and address stay taken: the row is still there."""

from typing import Any

from django.utils import timezone

from users.audit.record import json_values
from users.exceptions import VerbRefused
from users.models import State, User
from users.verbs.transaction import change_account, require_reason

RESTORED_FIELDS = ("status", "status_reason", "suspended_until")


def delete_account(account: User, *, by: Any, reason: str, version: int | None = None) -> User:
    """Nobody signs in to it, and its sessions end at their next request. Roles, password and the
    rest stay as they are.
    """
    reason = require_reason(reason)
    with change_account(
        account, "delete", "account.deleted", by=by, version=version, reason=reason
    ) as current:
        if current.status in (State.DELETED, State.ERASED):
            raise VerbRefused(f"This account is already {current.state.label.lower()}.", current)
        current.before_deletion = json_values(
            {name: getattr(current, name) for name in RESTORED_FIELDS}
        )
        current.status = State.DELETED
        current.status_reason = reason
        current.suspended_until = None
        current.deleted_at = timezone.now()
        current.session_epoch += 1
    return current
