"""Moves an account to the recycle bin. The row stays, so its username and address stay taken."""

from typing import Any

from django.utils import timezone

from users.audit.record import json_values
from users.exceptions import VerbRefused
from users.models import State, User
from users.verbs.transaction import change_account, require_reason

RESTORED_FIELDS = ("status", "status_reason", "suspended_until")


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
        if current.status in (State.DELETED, State.ERASED):
            raise VerbRefused(f"This account is already {current.state.label.lower()}.", current)
        values = {name: getattr(current, name) for name in RESTORED_FIELDS}
        current.before_deletion = json_values(values)
        current.status = State.DELETED
        current.status_reason = reason
        current.suspended_until = None
        current.deleted_at = timezone.now()
        current.session_epoch += 1
    return current
