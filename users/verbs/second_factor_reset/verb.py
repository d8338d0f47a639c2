"""The second factor."""

from typing import Any

from users.exceptions import Refused
from users.models import User
from users.verbs.transaction import changing, refuse_gone, require_reason


def reset_second_factor(account: User, *, by: Any, reason: str, version: int | None = None) -> User:
    """Signing in takes the password alone, until a new factor is set up. Open sessions end: whoever
    has the lost one may sit in one of them.
    """
    reason = require_reason(reason)
    action = "reset_second_factor"
    event = "account.second_factor_reset"
    with changing(account, action, event, by=by, version=version, reason=reason) as current:
        refuse_gone(current)
        if not current.has_second_factor:
            raise Refused("This account has no second factor.", current)
        current.has_second_factor = False
        current.session_epoch += 1
    return current
