""""""

from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from users.exceptions import VerbRefused
from users.models import State, User
from users.verbs.transaction import change_account, clean_reason


def restore_account(
    account: User, *, by: Any, reason: str = "", version: int | None = None
) -> User:
    """As it was before: a suspension goes on until its end, an invitation waits again. Sessions
    stay ended.
    """
    reason = clean_reason(reason)
    with change_account(
        account, "restore", "account.restored", by=by, version=version, reason=reason
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
    """What the account was when it was deleted. One that came deleted, from an import say, is as if
    it were new.
    """
    kept = account.before_deletion
    if not kept:
        was = State.ACTIVE if account.has_usable_password() or account.last_login else State.INVITED
        return {"status": was, "status_reason": "", "suspended_until": None}
    return kept | {"suspended_until": parse_optional_datetime(kept["suspended_until"])}


def parse_optional_datetime(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
