"""Suspension and its end."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from users.account.errors import Refused
from users.account.verbs.change import changing, clean_reason, require_reason
from users.models import State, User


def suspend(account: User, *, by: Any, reason: str, until: datetime | None = None, version: int | None = None) -> User:
    """Nobody signs in to it, and its sessions end at their next request; until `until`, or until it is reinstated."""
    reason = require_reason(reason)
    if until and until <= timezone.now():
        raise ValidationError({"until": "Choose a time in the future."})
    with changing(account, "suspend", "account.suspended", by=by, version=version, reason=reason) as current:
        if current.state not in (State.ACTIVE, State.INVITED, State.ENDED):
            raise Refused(f"This account is already {current.state.label.lower()}.", current)
        current.status, current.status_reason, current.suspended_until = State.SUSPENDED, reason, until
        current.session_epoch += 1
    return current


def reinstate(account: User, *, by: Any, reason: str = "", version: int | None = None) -> User:
    """Ends a suspension. An account that never had a password is invited again rather than active."""
    reason = clean_reason(reason)
    with changing(account, "reinstate", "account.reinstated", by=by, version=version, reason=reason) as current:
        if current.status != State.SUSPENDED:
            raise Refused(f"This account is {current.state.label.lower()}, not suspended.", current)
        current.status = State.ACTIVE if current.has_usable_password() or current.last_login else State.INVITED
        current.status_reason, current.suspended_until = "", None
    return current
