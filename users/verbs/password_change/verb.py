""""""

from typing import Any

from users.exceptions import Refused
from users.models import User
from users.verbs.transaction import changing, clean_reason, refuse_gone


def require_password_change(
    account: User, *, by: Any, reason: str = "", version: int | None = None
) -> User:
    """Whoever signs in next goes on only with a new password."""
    reason = clean_reason(reason)
    action = "require_password_change"
    event = "account.password_change_required"
    with changing(account, action, event, by=by, version=version, reason=reason) as current:
        refuse_gone(current)
        if current.must_change_password:
            raise Refused("A password change is already required.", current)
        if not current.has_usable_password():
            raise Refused("This account has no password to change.", current)
        current.must_change_password = True
    return current
