"""Restores an account from the recycle bin."""

from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from users.exceptions import VerbRefused
from users.models import State, User
from users.verbs.transaction import change_account, clean_reason


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
        if current.status == State.ERASED:
            raise VerbRefused("This account is erased and can’t be restored.", current)
        if current.status != State.DELETED:
            raise VerbRefused(
                f"This account is {current.state.label.lower()}, not deleted.", current
            )
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
    return {"status": status, "status_reason": "", "suspended_until": None}


def parse_optional_datetime(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
