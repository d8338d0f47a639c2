"""Requires a new password at the next sign-in."""

from typing import Any

from users.exceptions import VerbRefused
from users.models import User
from users.verbs.transaction import change_account, clean_reason, refuse_deleted


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
        refuse_deleted(current)
        if current.must_change_password:
            raise VerbRefused("A password change is already required.", current)
        if not current.has_usable_password():
            raise VerbRefused("This account has no password to change.", current)
        current.must_change_password = True
    return current
