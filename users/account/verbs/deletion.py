"""Into the recycle bin, and out of it. Username and address stay taken: the row is still there."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from users.account.errors import Refused
from users.account.verbs.change import changing, clean_reason, require_reason
from users.audit.record import plain
from users.models import State, User

KEPT = ("status", "status_reason", "suspended_until")


def delete(account: User, *, by: Any, reason: str, version: int | None = None) -> User:
    """Nobody signs in to it, and its sessions end at their next request. Roles, password and the
    rest stay as they are.
    """
    reason = require_reason(reason)
    with changing(
        account, "delete", "account.deleted", by=by, version=version, reason=reason
    ) as current:
        if current.status in (State.DELETED, State.ERASED):
            raise Refused(f"This account is already {current.state.label.lower()}.", current)
        current.before_deletion = plain({name: getattr(current, name) for name in KEPT})
        current.status = State.DELETED
        current.status_reason = reason
        current.suspended_until = None
        current.deleted_at = timezone.now()
        current.session_epoch += 1
    return current


def restore(account: User, *, by: Any, reason: str = "", version: int | None = None) -> User:
    """As it was before: a suspension goes on until its end, an invitation waits again. Sessions
    stay ended.
    """
    reason = clean_reason(reason)
    with changing(
        account, "restore", "account.restored", by=by, version=version, reason=reason
    ) as current:
        if current.status == State.ERASED:
            raise Refused("This account is erased and can’t be restored.", current)
        if current.status != State.DELETED:
            raise Refused(f"This account is {current.state.label.lower()}, not deleted.", current)
        for name, value in before(current).items():
            setattr(current, name, value)
        current.deleted_at = None
        current.before_deletion = None
    return current


def before(account: User) -> dict[str, Any]:
    """What the account was when it was deleted. One that came deleted, from an import say, is as if
    it were new.
    """
    kept = account.before_deletion
    if not kept:
        was = State.ACTIVE if account.has_usable_password() or account.last_login else State.INVITED
        return {"status": was, "status_reason": "", "suspended_until": None}
    return kept | {"suspended_until": moment(kept["suspended_until"])}


def moment(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
