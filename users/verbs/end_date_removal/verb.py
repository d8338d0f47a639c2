"""Clears the end date of an account."""

from typing import Any

from users.exceptions import VerbRefused
from users.models import User
from users.verbs.end_date.verb import ACTION
from users.verbs.transaction import change_account, clean_reason, refuse_deleted


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
        refuse_deleted(current)
        if current.valid_until is None:
            raise VerbRefused("This account has no end date.", current)
        current.valid_until = None
    return current
