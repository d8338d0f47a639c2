"""Restores an account from the recycle bin."""

from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from users.models import State, User
from users.verbs.obstacles import refuse_obstacle, state_obstacle
from users.verbs.transaction import change_account, clean_reason

RESTORATION_OBSTACLES = (
    state_obstacle(State.ERASED, "This account is {} and can’t be restored."),
    *(
        state_obstacle(state, "This account is {}, not deleted.")
        for state in State
        if state not in (State.DELETED, State.ERASED)
    ),
)


def restore_account(
    account: User, *, by: Any, reason: str = "", version: int | None = None
) -> User:
    """Restores the account with its previous status, such as suspended until the same time.

    Sessions stay ended.
    """
    reason = clean_reason(reason)
    with change_account(
        account,
        "restore",
        "account.restored",
        by=by,
        version=version,
        reason=reason,
    ) as current:
        refuse_obstacle(current, RESTORATION_OBSTACLES)
        for name, value in values_before_deletion(current).items():
            setattr(current, name, value)
        current.deleted_at = None
        current.before_deletion = None
    return current


def values_before_deletion(account: User) -> dict[str, Any]:
    """Returns the fields as they were before the deletion.

    An account that was imported as deleted has no previous status. It becomes active, or invited if
    it never had a password.
    """
    previous = account.before_deletion
    if previous:
        until = parse_optional_datetime(previous["suspended_until"])
        return previous | {"suspended_until": until}
    had_password = account.has_usable_password() or account.last_login
    status = State.ACTIVE if had_password else State.INVITED
    return {
        "status": status,
        "status_reason": "",
        "suspended_until": None,
    }


def parse_optional_datetime(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
